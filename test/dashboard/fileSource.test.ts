import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Subject, firstValueFrom, scan, startWith, filter } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DashboardEvent, fileSource } from '../../src/dashboard/index.js';
import { RunHistories } from '../../src/dashboard/page/runHistories.js';
import type { RunHistory } from '../../src/dashboard/page/runHistory.js';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxtinker-'));
  file = join(folder, 'metrics.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

/** Follows the folder, and waits until what is known of its run holds something. */
function follow(): { until: (holds: (run: RunHistory) => boolean) => Promise<RunHistory>; stop: () => void } {
  const histories = new RunHistories();
  const changes = new Subject<DashboardEvent>();
  const following = fileSource(folder, { name: 'a run', intervalMs: 5 }).events$.subscribe((event) => {
    histories.apply(event);
    changes.next(event);
  });
  return {
    until: (holds) =>
      firstValueFrom(
        changes.pipe(
          startWith(undefined),
          scan((_, __) => [...histories.runs.values()][0], [...histories.runs.values()][0]),
          filter((run) => run !== undefined),
          filter(holds),
        ),
      ),
    stop: () => {
      following.unsubscribe();
    },
  };
}

const line = (step: number, loss: number): string => `${JSON.stringify({ step, loss })}\n`;

describe('fileSource', () => {
  it('waits for a file that is missing, and says so', async () => {
    const { until, stop } = follow();
    const waiting = await until(({ note }) => note !== '');
    expect(waiting).toMatchObject({ name: 'a run', state: 'waiting' });
    expect(waiting.note).toBe(
      `${file} does not exist yet. It is looked for until it does: start the run that writes it, or check the path.`,
    );
    await writeFile(file, line(0, 2));
    const live = await until(({ columns }) => columns.length === 1);
    expect(live).toMatchObject({ state: 'live', note: '' });
    stop();
  });

  it('reads what is appended, half lines once they are whole', async () => {
    await writeFile(file, line(0, 2) + '{"step": 1, "lo');
    const { until, stop } = follow();
    await until(({ columns }) => columns.length === 1);
    await appendFile(file, 'ss": 1.5, "optim": {"lr": 0.1}}\n' + line(2, 1));
    const { columns } = await until((run) => run.columns.length === 3);
    expect(columns.values.get('loss')).toEqual([2, 1.5, 1]);
    expect(columns.values.get('optim/lr')).toEqual([null, 0.1, null]);
    // Of the lines that were there at first nobody knows when they were written.
    expect(columns.times.map((time) => time === null)).toEqual([true, false, false]);
    stop();
  });

  it('leaves out a line that is no log line, and says which', async () => {
    await writeFile(file, `${line(0, 2)}oops\n${line(1, 1)}`);
    const { until, stop } = follow();
    const run = await until(({ columns }) => columns.length === 2);
    expect(run.note).toBe(`Line 2 of ${file} is left out: expected a JSON object with a number "step".`);
    stop();
  });

  it('begins anew where another file takes its place', async () => {
    await writeFile(file, line(0, 2) + line(1, 1));
    const { until, stop } = follow();
    await until(({ columns }) => columns.length === 2);
    await writeFile(`${file}.new`, line(0, 9));
    await rename(`${file}.new`, file);
    const { columns } = await until((run) => run.columns.values.get('loss')?.[0] === 9);
    expect(columns.steps).toEqual([0]);
    stop();
  });

  it('says when the file goes, keeps what it read, and goes on when it is there again', async () => {
    await writeFile(file, line(0, 2));
    const { until, stop } = follow();
    await until(({ columns }) => columns.length === 1);
    await rm(file);
    const gone = await until(({ state }) => state === 'stalled');
    expect(gone.note).toContain('is gone');
    expect(gone.columns.length).toBe(1);
    await writeFile(file, line(0, 3));
    await until(({ state, columns }) => state === 'live' && columns.values.get('loss')?.[0] === 3);
    stop();
  });

  it('reads checkpoints and samples beside the metrics', async () => {
    await writeFile(file, line(0, 2));
    await writeFile(
      join(folder, 'checkpoints.jsonl'),
      '\n{"name": "000020", "batch": 20, "state_path": "tinker://run/weights/000020", "sampler_path": "tinker://run/sampler_weights/000020"}\n',
    );
    await writeFile(join(folder, 'samples.jsonl'), '{"step": 20, "prompt": "Twinkle", "text": " little star"}\n');
    const { until, stop } = follow();
    const { checkpoints, samples } = await until((run) => run.checkpoints.size === 1 && run.samples.length === 1);
    expect([...checkpoints.values()]).toMatchObject([
      { name: '000020', step: 20, path: 'tinker://run/weights/000020' },
    ]);
    expect(samples).toMatchObject([{ step: 20, prompt: 'Twinkle', text: ' little star' }]);
    stop();
  });
});
