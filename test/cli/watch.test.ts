import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runCommand } from './runCommand.js';

const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** Starts the command, gives what its first line of this form says, and ends it. */
async function addressOf(args: readonly string[], form: RegExp, use: (url: string) => Promise<void>): Promise<number> {
  const child = spawn(process.execPath, [main, ...args]);
  const ended = once(child, 'close');
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  try {
    while (!form.test(out))
      await Promise.race([once(child.stdout, 'data'), ended.then(() => Promise.reject(new Error(out)))]);
    await use(form.exec(out)?.[1] ?? '');
  } finally {
    child.kill('SIGTERM');
  }
  const [code] = (await ended) as [number];
  return code;
}

it('rxtinker watch serves a page that follows a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rxtinker-cli-'));
  await writeFile(join(folder, 'metrics.jsonl'), '{"step": 0, "loss": 2.5}\n');
  const code = await addressOf(
    ['watch', folder, '--port', '0'],
    /^watch on (http:\/\/127\.0\.0\.1:\d+\/)\n/,
    async (url) => {
      expect(await (await fetch(url)).text()).toContain('<title>rxtinker</title>');
      const { body } = await fetch(`${url}events`);
      let text = '';
      for await (const chunk of body ?? []) {
        text += Buffer.from(chunk as Uint8Array).toString();
        if (text.includes('2.5')) break;
      }
    },
  );
  expect(code).toBe(0);
  await rm(folder, { recursive: true });
});

it('rxtinker watch says that a file is not there yet', async () => {
  const asked = new AbortController();
  const { code, err } = await runCommand(['watch', 'not-there.jsonl'], {
    signal: asked.signal,
    onWrite: (text) => {
      if (text.startsWith('Waiting')) asked.abort('SIGINT');
    },
  });
  expect({ code, err }).toEqual({ code: 0, err: 'Waiting for not-there.jsonl, which is not there yet.\n' });
});

it('rxtinker serve --dashboard serves a page beside the API', async () => {
  const form = /^listening on http:\S+\ndashboard on (http:\/\/127\.0\.0\.1:\d+\/)\n/;
  const code = await addressOf(['serve', '--threads', '1', '--dashboard'], form, async (url) => {
    expect(await (await fetch(`${url}hint`)).text()).toMatch(/TINKER_BASE_URL=http:\/\/127/);
  });
  expect(code).toBe(0);
});
