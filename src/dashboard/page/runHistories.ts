import type { DashboardEvent } from './dashboardEvent.js';
import { RunHistory } from './runHistory.js';

const mostRuns = 100;

/** What is known of all runs, in the order in which they appeared. */
export class RunHistories {
  readonly runs = new Map<string, RunHistory>();

  /** Takes in what happened, and gives the run to which it did. */
  apply(event: DashboardEvent): RunHistory {
    let run = this.runs.get(event.run);
    if (run === undefined) {
      run = new RunHistory(event.run);
      this.runs.set(event.run, run);
      if (this.runs.size > mostRuns) this.#forgetOne();
    }
    run.apply(event);
    return run;
  }

  /** Events that make the same histories of empty ones. */
  *events(): Generator<DashboardEvent> {
    for (const run of this.runs.values()) yield* run.events();
  }

  /** The oldest that has ended, else the oldest. */
  #forgetOne(): void {
    const runs = [...this.runs.values()];
    const oldest = runs.find(({ state }) => state === 'ended') ?? runs[0];
    if (oldest !== undefined) this.runs.delete(oldest.id);
  }
}
