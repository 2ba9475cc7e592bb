import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tinyPassages } from 'rxtinker/local';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunOptions, runCommand } from './runCommand.js';
import { workFolder } from './workFolder.js';

let work: Awaited<ReturnType<typeof workFolder>>;
const at = (name: string): string => join(work.path, name);

beforeAll(async () => {
  work = await workFolder();
  const lines = tinyPassages().map(({ title, text }, index) => {
    if (index % 3 === 0) return { text };
    if (index % 3 === 1) return { prompt: `${title}\n`, completion: text };
    return { messages: [{ role: 'user', content: title }, { role: 'assistant', content: text }] }; // prettier-ignore
  });
  await writeFile(at('data.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
});

afterAll(() => work.remove());

const train = (args: readonly string[], options?: RunOptions) =>
  runCommand(['train', '--data-dir', at('checkpoints'), ...args], options);
const fresh = (folder: string): string[] => {
  const data = ['--data', at('data.jsonl'), '--output-dir', at(folder)];
  return [...data, '--epochs', '3', '--batch-size', '3', '--lr', '1e-2', '--rank', '4', '--save-every', '4'];
};
const jsonLines = async (file: string): Promise<Record<string, unknown>[]> =>
  (await readFile(at(file), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
const losses = async (folder: string): Promise<unknown[]> =>
  (await jsonLines(`${folder}/metrics.jsonl`)).map((line) => line.train_mean_nll);

describe('rxtinker train', () => {
  test('trains on texts, completions and conversations, and keeps logs', async () => {
    const { code, out, err } = await train([...fresh('whole'), '--eval', at('data.jsonl'), '--eval-every', '6']);
    expect(err).toContain('step 9/9');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^Trained 9 steps in .*: loss per token \d\.\d+ at first, \d\.\d+ at last\.\nCheckpoint: tinker:/,
    );
    const metrics = await jsonLines('whole/metrics.jsonl');
    expect(metrics.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(Number(metrics[8]?.train_mean_nll)).toBeLessThan(Number(metrics[0]?.train_mean_nll) - 1);
    expect(metrics.flatMap((line) => ('test/nll' in line ? [line.step] : []))).toEqual([5, 8]);
    expect(metrics[0]).toMatchObject({ 'optim/lr': 1e-2, num_sequences: 3, 'progress/batch': 0 });
    expect(await jsonLines('whole/checkpoints.jsonl')).toMatchObject([{ batch: 4 }, { batch: 8 }, { batch: 9 }]);
  });

  test('saves when it is interrupted, and goes on as if it had never stopped', async () => {
    const asked = new AbortController();
    const stopped = await train(fresh('halves'), {
      signal: asked.signal,
      onWrite: (text) => {
        if (text.startsWith('step 2/9')) asked.abort('SIGINT');
      },
    });
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain(`Go on with:\n  rxtinker train --resume ${at('halves')}`);
    const half = (await losses('halves')).length;
    expect(half).toBeLessThan(9);
    expect((await jsonLines('halves/checkpoints.jsonl')).at(-1)).toMatchObject({ batch: half });
    const resumed = await runCommand(['-f', 'json', 'train', '--resume', at('halves')]);
    expect(resumed.code).toBe(0);
    const events = resumed.out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
    expect(events[0]).toMatchObject({ event: 'started', step: half });
    expect(events.at(-1)).toMatchObject({ event: 'finished', steps_done: 9 });
    expect(await losses('halves')).toEqual(await losses('whole'));
  });

  test('a complete run has nothing left to do', async () => {
    const { code, out } = await runCommand(['train', '--resume', at('whole')]);
    expect(code).toBe(0);
    expect(out).toContain('All steps were done already.');
  });

  test.each([
    [['--rank', '8'], 2, 'A resumed run keeps its --rank.'],
    [['--batch-size', '1'], 2, 'A resumed run keeps its --batch-size.'],
  ])('a resumed run refuses %j', async (args, code, message) => {
    const result = await runCommand(['train', '--resume', at('whole'), ...args]);
    expect(result).toMatchObject({ code, err: expect.stringContaining(message) as string });
  });

  test('refuses a folder with a run, files that are missing or wrong, and a run that is none', async () => {
    await writeFile(at('wrong.jsonl'), '{"text": "good"}\n\n{"txt": "bad"}\n');
    await writeFile(at('broken.jsonl'), '{"text"\n');
    await writeFile(at('empty.jsonl'), '{"text": ""}\n');
    await writeFile(at('latin.jsonl'), Buffer.from('{"text": "good"}\n{"text": "caf\xe9"}\n', 'latin1'));
    const cases: [string[], number, string][] = [
      [fresh('whole'), 2, 'There is a run in'],
      [['--data', at('missing.jsonl')], 1, "missing.jsonl can't be read"],
      [['--data', at('wrong.jsonl')], 1, 'wrong.jsonl, line 3'],
      [['--data', at('broken.jsonl')], 1, 'broken.jsonl, line 1'],
      [['--data', at('broken.jsonl')], 1, '\nCorrect the line, or take it out.'],
      [['--data', at('empty.jsonl')], 1, 'empty.jsonl, line 1, got "{\\"text\\":\\"\\"}".\nCorrect the line'],
      [['--data', at('latin.jsonl')], 1, 'latin.jsonl, line 2, got other bytes.'],
      [['--resume', at('nowhere')], 1, 'Expected the folder of a run'],
      [[], 2, 'Expected --data FILE'],
      [['--data', 'x', '--lr', '0'], 2, 'Expected --lr to be a number > 0, got "0".'],
      [['--data', 'x', '--schedule', 'square'], 2, 'Allowed choices are constant, linear, cosine.'],
    ];
    for (const [args, code, message] of cases) {
      const result = await train(args);
      expect(result).toMatchObject({ code, out: '', err: expect.stringContaining(message) as string });
      expect(result.err.trimEnd().split('\n')).toHaveLength(2);
    }
  });

  test('reads a file with a byte order mark, and quotes a folder with a space in what it says to run', async () => {
    await writeFile(at('marked.jsonl'), '\uFEFF{"text": "one two three"}\r\n');
    const folder = at("Ann's run");
    const args = ['--data', at('marked.jsonl'), '--output-dir', folder, '--rank', '2', '--epochs', '1'];
    const { code, out } = await train(args);
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('Trained 1 step in') as string });
    expect((await train(args)).err).toContain(`Give --resume '${folder.replace("'", "'\\''")}' to go on`);
  });

  test.each([
    [120, /step 1\/1 {2}━{20} {2}loss \d\.\d{3} {2}\d+ tokens\/s {2}\d+ s left/],
    [55, /step 1\/1 {2}━{5,12} {2}loss \d\.\d{3} {2}\d+ tokens\/s {2}\d+ s left/],
    [36, /step 1\/1 {2}loss \d\.\d{3} {2}\d+ tok/],
  ])('shows the numbers on a terminal of %i columns, and a bar where there is room', async (columns, line) => {
    await writeFile(at('short.jsonl'), '{"text": "one two three"}\n');
    const args = ['--data', at('short.jsonl'), '--output-dir', at(`short-${columns}`), '--rank', '2', '--epochs', '1'];
    expect((await train(args, { columns })).err).toMatch(line);
  });

  test('says what base models there are', async () => {
    const { code, err } = await train(['--data', at('data.jsonl'), '--model', 'no/model', '--output-dir', at('none')]);
    expect({ code, lines: err.trimEnd().split('\n').slice(-2) }).toEqual({
      code: 1,
      lines: [expect.stringContaining('(rxtinker/tiny), got "no/model".') as string, 'Choose one of them.'],
    });
  });

  test('a resumed run refuses data that were changed', async () => {
    await writeFile(at('changing.jsonl'), '{"text": "one two three"}\n');
    const args = ['--data', at('changing.jsonl'), '--output-dir', at('changed'), '--rank', '2'];
    expect(await train(args)).toMatchObject({ code: 0 });
    await writeFile(at('changing.jsonl'), '{"text": "four five six"}\n');
    const { code, err } = await runCommand(['train', '--resume', at('changed')]);
    expect(code).toBe(1);
    expect(err).toContain('are not those that the run was started with');
  });
});
