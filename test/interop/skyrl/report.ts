/** What keeps a check from being made here; its text says why. It does not count as passed. */
export class Skip extends Error {}

/** What one check compares; the first difference ends the check. */
export class Comparison {
  readonly compared: string[] = [];

  equal(what: string, got: unknown, wanted: unknown): void {
    const text = JSON.stringify(wanted);
    if (JSON.stringify(got) !== text) throw new Error(`${what}: expected ${text}, got ${JSON.stringify(got)}`);
    this.compared.push(text.length <= 40 ? `${what} = ${text}` : what);
  }

  /** Lists as long as each other, whose numbers lie within an absolute distance; NaN is far from everything. */
  close(what: string, got: ArrayLike<number>, wanted: ArrayLike<number>, tolerance = 1e-4): void {
    if (got.length !== wanted.length || got.length === 0) {
      throw new Error(`${what}: expected ${wanted.length} numbers and at least one, got ${got.length}`);
    }
    const farthest = distance(got, wanted);
    if (!(farthest <= tolerance)) throw new Error(`${what}: expected ${list(wanted)}, got ${list(got)}`);
    this.compared.push(`${got.length} ${what} to ${farthest.toExponential(0)}`);
  }

  true(what: string, holds: boolean): void {
    if (!holds) throw new Error(`expected that ${what}`);
    this.compared.push(what);
  }
}

/** Prints PASS, FAIL or SKIP for each check, with what was compared. */
export class Report {
  private passed = 0;
  private failed = 0;

  async check(name: string, work: (comparison: Comparison) => Promise<void>): Promise<void> {
    const comparison = new Comparison();
    const started = performance.now();
    const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
    try {
      await work(comparison);
      if (comparison.compared.length === 0) throw new Error('nothing was compared');
      this.passed += 1;
      console.log(`PASS ${name} (${seconds()}): ${comparison.compared.join('; ')}`);
    } catch (error) {
      this.failed += 1;
      console.log(
        `FAIL ${name} (${seconds()}): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
  }

  /** The last line; a run without any check has failed. */
  end(): void {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    if (this.failed > 0 || this.passed === 0) process.exitCode = 1;
  }
}

/** The largest distance of two numbers at the same place. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const distances = Array.from(a, (value, index) => Math.abs(value - (b[index] ?? NaN)));
  return distances.some(Number.isNaN) ? NaN : Math.max(0, ...distances);
}

function list(values: ArrayLike<number>): string {
  return `[${Array.from(values).slice(0, 8).join(', ')}${values.length > 8 ? ', …' : ''}]`;
}
