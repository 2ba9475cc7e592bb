import type { RunReport } from './measure.js';
import type { StubCounts } from './stubSettings.js';
import type { ClientName, Work } from './works.js';

/** One run of one client. */
export interface Run {
  readonly report: RunReport;
  readonly counts: StubCounts;
}

/** The runs of one work, by client. */
export type Runs = Partial<Readonly<Record<ClientName, readonly Run[]>>>;

/** One line of the table. */
export interface Line {
  readonly work: Work;
  readonly figures: Partial<Readonly<Record<ClientName, number>>>;
  readonly toBare?: number;
  readonly toPython?: number;
  /** Undefined where nothing is wanted or the other client is missing. */
  readonly met?: boolean;
}

/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** What a work measures, of one run. */
export function figureOf({ figure, task, server }: Work, { report, counts }: Run): number {
  switch (figure) {
    case 'cpu':
      return report.cpuMs;
    case 'start':
      return report.wallMs;
    case 'overhead':
      return task.kind === 'train' ? report.wallMs / task.steps - (server.delayMs ?? 0) : NaN;
    case 'idle':
      return 100 * counts.idle;
    case 'growth': {
      const [first = NaN, ...later] = report.memory ?? [];
      return Math.max(...later) - first;
    }
  }
}

/** Medians, ratios of medians, and whether the goals are reached. */
export function lineOf(work: Work, runs: Runs): Line {
  const of = (client: ClientName): number => median((runs[client] ?? []).map((run) => figureOf(work, run)));
  const [ours, bare, python] = [of('rxtinker'), of('bare'), of('python')];
  const isRatio = work.figure === 'cpu' || work.figure === 'start';
  const goals = [
    [ours / bare, work.goal?.toBare],
    [ours / python, work.goal?.toPython],
    [ours, work.goal?.atMost],
  ].filter(([is, wanted]) => wanted !== undefined && !Number.isNaN(is));
  return {
    work,
    figures: { rxtinker: ours, bare, python },
    ...(isRatio && { toBare: ours / bare, toPython: ours / python }),
    ...(goals.length > 0 && { met: goals.every(([is = NaN, wanted = NaN]) => is <= wanted) }),
  };
}

const units = { cpu: 's of CPU', overhead: 'ms a step', idle: '% idle', start: 'ms', growth: 'MB' };

function show({ figure }: Work, value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (figure === 'cpu') return (value / 1000).toFixed(2);
  if (figure === 'start') return value.toFixed(0);
  return value.toFixed(figure === 'idle' ? 2 : 1);
}

const ratio = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? '–' : value.toFixed(2);

function goalOf({ goal = {}, figure }: Work): string {
  const parts = [
    goal.toBare === undefined ? [] : [`${goal.toBare} of bare`],
    goal.toPython === undefined ? [] : [`${goal.toPython} of Python`],
    goal.atMost === undefined ? [] : [`${goal.atMost} ${units[figure]}`],
  ].flat();
  return parts.length === 0 ? '–' : `≤ ${parts.join(', ')}`;
}

/** The lines as a table of Markdown. */
export function markdown(lines: readonly Line[]): string {
  const head = ['work', 'unit', 'rxtinker', 'bare undici', 'Python SDK', 'to bare', 'to Python', 'goal'];
  const rows = lines.map((line) => {
    const { work, figures } = line;
    const mark = line.met === false ? ' (missed)' : '';
    return [
      `${work.id} ${work.name}`,
      units[work.figure],
      show(work, figures.rxtinker),
      show(work, figures.bare),
      show(work, figures.python),
      ratio(line.toBare),
      ratio(line.toPython),
      goalOf(work) + mark,
    ];
  });
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const text = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [text(head), text(widths.map((width) => '-'.repeat(width))), ...rows.map(text)].join('\n');
}
