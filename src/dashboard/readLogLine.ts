/** A line of a run's log, by kinds of values. */
export interface LogLine {
  readonly step: number | undefined;
  /** Milliseconds since 1970. */
  readonly time: number | undefined;
  /** All finite numbers but the step and the time; those of nested objects under their path: `optim/lr`. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly texts: Readonly<Record<string, string>>;
}

const timeNames = ['time', 'timestamp', '_timestamp'];

/** Reads a JSON object; undefined for anything else. */
export function readLogLine(line: string): LogLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const numbers: Record<string, number> = {};
  const texts: Record<string, string> = {};
  collect(value, '', numbers, texts);
  const { step, ...metrics } = numbers;
  const timeName = timeNames.find((name) => name in metrics && isDate(metrics[name]));
  const time = timeName === undefined ? textTime(texts) : millisecondsOf(metrics[timeName]);
  return {
    step,
    time,
    numbers: Object.fromEntries(Object.entries(metrics).filter(([name]) => name !== timeName)),
    texts,
  };
}

function collect(value: object, path: string, numbers: Record<string, number>, texts: Record<string, string>): void {
  for (const [key, part] of Object.entries(value) as [string, unknown][]) {
    const name = `${path}${key}`;
    if (typeof part === 'number' && Number.isFinite(part)) numbers[name] = part;
    else if (typeof part === 'string') texts[name] = part;
    else if (typeof part === 'object' && part !== null && !Array.isArray(part)) {
      collect(part, `${name}/`, numbers, texts);
    }
  }
}

/** Seconds or milliseconds since 1970 of this century; other numbers are durations. */
function isDate(value: number | undefined): boolean {
  return value !== undefined && value > 9e8;
}

function millisecondsOf(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value < 1e11 ? value * 1000 : value;
}

function textTime(texts: Readonly<Record<string, string>>): number | undefined {
  const text = timeNames.map((name) => texts[name]).find((one) => one !== undefined);
  const time = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
