import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { fetchUrl } from '../../src/download/openUrl.js';
import { faultyFiles } from './faultyFiles.js';

/** Frees what nothing refers to any more, and lets what waits for that run. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 5; round++) {
    collect();
    await setTimeout(10);
  }
}

describe('fetchUrl', () => {
  it('gives the whole body, however late it is read', async () => {
    const file = new Uint8Array(300_000).fill(7);
    const { url } = await faultyFiles(file, { faults: [] });
    const { status, body } = await fetchUrl(url, {}, new AbortController().signal);
    await collectGarbage();
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    expect(status).toBe(200);
    expect(Buffer.concat(pieces)).toHaveLength(file.length);
  });
});
