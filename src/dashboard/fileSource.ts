import { statSync } from 'node:fs';
import path from 'node:path';
import { type Observable, type SchedulerLike, asyncScheduler, from, merge, mergeMap, of, scan } from 'rxjs';
import type { DashboardSource } from './dashboardSource.js';
import { type NewLines, followLines } from './followLines.js';
import type { DashboardEvent } from './page/dashboardEvent.js';
import { readLogLine } from './readLogLine.js';

/** How a run's files are followed. */
export interface FileSourceOptions {
  /** How people call the run; default: its folder's name. */
  readonly name?: string;
  /** Time between two looks at the files; default 500 ms. */
  readonly intervalMs?: number;
  /** Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Follows a run that writes `metrics.jsonl`: one JSON object a line, with `step` and the metrics. `checkpoints.jsonl` and
 * `samples.jsonl` beside it are followed too.
 *
 * The file may come later; a folder stands for the `metrics.jsonl` in it.
 *
 * @example
 * ```ts
 * const dashboard = await serveDashboard({ sources: [fileSource('runs/first'), fileSource('runs/second')] });
 * console.log(dashboard.url);
 * await dashboard.close();
 * ```
 */
export function fileSource(file: string, options: FileSourceOptions = {}): DashboardSource {
  const { intervalMs = 500, scheduler = asyncScheduler } = options;
  const metrics = file.endsWith('.jsonl') && !isFolder(file) ? file : path.join(file, 'metrics.jsonl');
  const folder = path.dirname(path.resolve(metrics));
  const base = path.basename(metrics, '.jsonl');
  const name = options.name ?? (base === 'metrics' ? path.basename(folder) : base);
  const run = path.resolve(metrics);
  const follow = (one: string): Observable<NewLines> => followLines(one, scheduler, intervalMs);
  return {
    events$: merge(
      // At once, so that runs stand in the order in which they were asked for.
      of<DashboardEvent>({ type: 'run', run, name, state: 'waiting' }),
      metricsOf(follow(metrics), { run, name, file: metrics }, scheduler),
      entriesOf(follow(path.join(folder, 'checkpoints.jsonl')), run, 'checkpoint'),
      entriesOf(follow(path.join(folder, 'samples.jsonl')), run, 'sample'),
    ),
  };
}

interface RunFile {
  readonly run: string;
  readonly name: string;
  readonly file: string;
}

interface Reading {
  readonly events: readonly DashboardEvent[];
  readonly lines: number;
  readonly note: string | undefined;
  /** Of the lines, to be said again after a fault of the file. */
  readonly trouble: string;
}

function metricsOf(
  news$: Observable<NewLines>,
  { run, name, file }: RunFile,
  scheduler: SchedulerLike,
): Observable<DashboardEvent> {
  const nothing: Reading = { events: [], lines: 0, note: undefined, trouble: '' };
  return news$.pipe(
    scan((before: Reading, { lines, fault, restarted = false }): Reading => {
      const count = restarted ? 0 : before.lines;
      const faults: string[] = [];
      const events = lines.flatMap((line, index): DashboardEvent[] => {
        const entry = readLogLine(line);
        if (entry?.step === undefined) {
          faults.push(`Line ${count + index + 1} of ${file} is left out: expected a JSON object with a number "step".`);
          return [];
        }
        // When the lines were written that were there before us is not known, unless they say it.
        const time = entry.time ?? (before.lines > 0 || before.note !== undefined ? scheduler.now() : undefined);
        return [
          { type: 'metrics', run, step: entry.step, metrics: entry.numbers, ...(time !== undefined && { time }) },
        ];
      });
      const total = count + lines.length;
      const state = fault === undefined ? (total === 0 ? 'waiting' : 'live') : total === 0 ? 'waiting' : 'stalled';
      const trouble = faults.at(-1) ?? (restarted ? '' : before.trouble);
      const note = noteOf(file, { fault, total, trouble });
      const changed = restarted || note !== before.note || (before.lines === 0 && total > 0);
      const told: DashboardEvent[] = changed
        ? [{ type: 'run', run, name, state, note, ...(restarted && { restarted }) }]
        : [];
      return { events: [...told, ...events], lines: total, note, trouble };
    }, nothing),
    mergeMap(({ events }) => from(events)),
  );
}

function noteOf(
  file: string,
  { fault, total, trouble }: { fault: string | undefined; total: number; trouble: string },
): string {
  if (fault === 'ENOENT') {
    return total === 0
      ? `${file} does not exist yet. It is looked for until it does: start the run that writes it, or check the path.`
      : `${file} is gone. What is shown is what was read before; it is looked for until it is there again.`;
  }
  if (fault !== undefined) return `${file} can't be read (${fault}). Check its rights; it is tried again.`;
  return total === 0 ? `${file} is empty so far. Its first line will be shown.` : trouble;
}

function entriesOf(
  news$: Observable<NewLines>,
  run: string,
  type: 'checkpoint' | 'sample',
): Observable<DashboardEvent> {
  return news$.pipe(
    mergeMap(({ lines }) =>
      from(lines.flatMap((line) => (type === 'sample' ? readSample(line, run) : readCheckpoint(line, run)))),
    ),
  );
}

function readCheckpoint(line: string, run: string): DashboardEvent[] {
  const entry = readLogLine(line);
  const path = entry?.texts.state_path ?? entry?.texts.sampler_path;
  if (entry === undefined || path === undefined) return [];
  const step = entry.step ?? entry.numbers.batch;
  const name = entry.texts.name;
  return [
    {
      ...{ type: 'checkpoint', run, path },
      ...(name !== undefined && { name }),
      ...(step !== undefined && { step }),
      ...(entry.time !== undefined && { time: entry.time }),
    },
  ];
}

function readSample(line: string, run: string): DashboardEvent[] {
  const entry = readLogLine(line);
  const text = entry?.texts.text ?? entry?.texts.completion;
  if (entry === undefined || text === undefined) return [];
  return [
    {
      ...{ type: 'sample', run, text, prompt: entry.texts.prompt ?? '' },
      ...(entry.step !== undefined && { step: entry.step }),
      ...(entry.time !== undefined && { time: entry.time }),
    },
  ];
}

function isFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
