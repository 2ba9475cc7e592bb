import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckpointEntry } from '../../src/training/checkpointLog.js';
import { fileCheckpointLog } from '../../src/training/fileCheckpointLog.js';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rxtinker-log-'));
  file = join(directory, 'checkpoints.jsonl');
});
afterEach(() => rm(directory, { recursive: true }));

const entry = (batch: number): CheckpointEntry => ({
  name: `run-${batch}`,
  batch,
  statePath: `tinker://m/weights/${batch}`,
});
const append = (added: CheckpointEntry): Promise<unknown> =>
  lastValueFrom(fileCheckpointLog(file).append(added), { defaultValue: undefined });
const read = (): Promise<readonly CheckpointEntry[]> => firstValueFrom(fileCheckpointLog(file).read());

describe('fileCheckpointLog', () => {
  it('is empty where there is no file, and gives back what was appended in order', async () => {
    expect(await read()).toEqual([]);
    await append(entry(3));
    await append(entry(6));
    expect(await read()).toEqual([entry(3), entry(6)]);
  });

  it('passes over a line that a crash cut off, and keeps what is appended behind it', async () => {
    await append(entry(3));
    await appendFile(file, '\n{"name": "run-6", "bat');
    expect(await read()).toEqual([entry(3)]);
    await append(entry(9));
    expect(await read()).toEqual([entry(3), entry(9)]);
  });

  it('says which file can not be used', async () => {
    const log = fileCheckpointLog(directory);
    await expect(firstValueFrom(log.read())).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining(directory) as string,
    });
    await expect(lastValueFrom(log.append(entry(3)))).rejects.toMatchObject({ code: 'invalid_config' });
  });
});
