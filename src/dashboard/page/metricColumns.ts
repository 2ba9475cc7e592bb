/** Of a run with more steps, every second of the kept ones is dropped. */
const mostRows = 200_000;

/** The metrics of a run: a row for each step, in the order of the steps, and a column for each metric. */
export class MetricColumns {
  steps: number[] = [];
  /** Milliseconds since 1970, null where unknown. */
  times: (number | null)[] = [];
  readonly values = new Map<string, (number | null)[]>();
  /** Only every so-manieth row is kept. */
  #stride = 1;
  #offered = 0;
  /** The latest step, kept or not. */
  #latest: number | undefined;

  get length(): number {
    return this.steps.length;
  }

  /** Adds a row, or completes the last one where it is of the same step. A step before it means that the run went back. */
  add(step: number, time: number | null, metrics: Iterable<readonly [string, number | null]>): void {
    if (this.#latest !== undefined && step < this.#latest) this.#goBackTo(step);
    const isSame = step === this.#latest;
    this.#latest = step;
    if (isSame && this.steps.at(-1) !== step) return;
    if (!isSame) {
      this.#offered += 1;
      if (this.#stride > 1 && this.#offered % this.#stride !== 0) return;
      if (this.length >= mostRows) this.#thin();
      this.steps.push(step);
      this.times.push(null);
      for (const column of this.values.values()) column.push(null);
    }
    const row = this.length - 1;
    if (time !== null) this.times[row] = time;
    for (const [name, value] of metrics) {
      if (value === null) continue;
      let column = this.values.get(name);
      if (column === undefined) {
        column = new Array<number | null>(this.length).fill(null);
        this.values.set(name, column);
      }
      column[row] = value;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.steps = [];
    this.times = [];
    this.values.clear();
    this.#stride = 1;
    this.#offered = 0;
    this.#latest = undefined;
  }

  /** A run that is resumed counts on from its checkpoint: what came after that is no part of it. */
  #goBackTo(step: number): void {
    const kept = this.steps.findIndex((earlier) => earlier >= step);
    this.#keep((_, row) => row < kept);
  }

  #thin(): void {
    this.#stride *= 2;
    this.#keep((_, row) => row % 2 === 0);
  }

  #keep(wanted: (value: unknown, row: number) => boolean): void {
    this.steps = this.steps.filter(wanted);
    this.times = this.times.filter(wanted);
    for (const [name, column] of this.values) this.values.set(name, column.filter(wanted));
  }
}
