import type { MetricColumns } from './metricColumns.js';

/** How fast a run goes; what can't be told is missing. */
export interface Throughput {
  readonly stepsPerSecond?: number;
  readonly tokensPerSecond?: number;
}

/** Rows over which the rates are taken. */
const window = 20;

const rates = ['tokens_per_second', 'tokens/s', 'throughput', 'tokens_per_second:mean'];
const counts = ['num_tokens:sum', 'num_tokens', 'tokens'];
const durations = ['time/step', 'time/total', 'step_time', 'seconds'];

/** How fast the latest steps went: by the times of their rows, else by a metric that tells how long a step took. */
export function throughputOf(columns: MetricColumns): Throughput {
  const from = Math.max(0, columns.length - window);
  const steps = columns.steps.slice(from);
  const seconds = elapsed(columns, from);
  const perStep = seconds === undefined ? mean(find(columns, durations, from)) : undefined;
  const stepsPerSecond =
    seconds !== undefined ? ((steps.at(-1) ?? 0) - (steps[0] ?? 0)) / seconds : perStep === undefined ? 0 : 1 / perStep;
  const rate = find(columns, rates, from)?.findLast((value) => value !== null);
  const tokens = mean(find(columns, counts, from));
  const counted = tokens !== undefined && stepsPerSecond > 0 ? tokens * stepsPerSecond : undefined;
  const tokensPerSecond = rate ?? counted;
  return {
    ...(stepsPerSecond > 0 && Number.isFinite(stepsPerSecond) && { stepsPerSecond }),
    ...(tokensPerSecond !== undefined && { tokensPerSecond }),
  };
}

function elapsed({ times }: MetricColumns, from: number): number | undefined {
  const known = times.slice(from).filter((time) => time !== null);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || known.length < times.length - from || last <= first)
    return undefined;
  return (last - first) / 1000;
}

function find(columns: MetricColumns, names: readonly string[], from: number): (number | null)[] | undefined {
  const name = names.find((one) => columns.values.has(one));
  return name === undefined ? undefined : columns.values.get(name)?.slice(from);
}

function mean(values: readonly (number | null)[] | undefined): number | undefined {
  const known = values?.filter((value) => value !== null) ?? [];
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}
