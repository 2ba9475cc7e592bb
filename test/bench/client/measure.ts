/** What a client's process is told. */
export interface RunOrder<T> {
  readonly url: string;
  readonly task: T;
  readonly flags: Readonly<Record<string, boolean>>;
}

/** What a client's process tells at its end. */
export interface RunReport {
  readonly wallMs: number;
  /** User and system, of the whole process during the task. */
  readonly cpuMs: number;
  /** Of the process. */
  readonly peakMegabytes: number;
  /** Megabytes in use after a collection, at ten points of an endurance run. */
  readonly memory?: readonly number[];
}

/** Measures what follows; the returned function ends it and prints the report for the parent. */
export function startMeasuring(): (more?: Pick<RunReport, 'memory'>) => void {
  const cpu = process.cpuUsage();
  const started = performance.now();
  return (more = {}) => {
    const wallMs = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    const peakMegabytes = process.resourceUsage().maxRSS / 1024;
    console.log(JSON.stringify({ wallMs, cpuMs: (user + system) / 1000, peakMegabytes, ...more }));
  };
}

/** Tokens of a batch, the same for all clients. */
export function tokensOf(datums: number, tokens: number): Int32Array[] {
  return Array.from({ length: datums }, (_, datum) =>
    Int32Array.from({ length: tokens }, (_token, position) => (7919 * (datum * tokens + position + 1)) % 50_000),
  );
}
