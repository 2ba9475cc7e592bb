import { VirtualTimeScheduler } from 'rxjs';
import type { Clock } from '../../../../src/local/server/clock.js';

const start = Date.UTC(2026, 0, 1);

/** Time that passes only when a test says so. */
export class VirtualClock implements Clock {
  readonly scheduler = new VirtualTimeScheduler(undefined, 0);

  now(): number {
    return start + this.scheduler.frame;
  }

  /** Lets time pass, running what falls due; promises settle before and after. */
  async advance(milliseconds: number): Promise<void> {
    await settle();
    this.scheduler.maxFrames += milliseconds;
    this.scheduler.flush();
    this.scheduler.frame = this.scheduler.maxFrames;
    await settle();
  }
}

/** Lets all promises settle that wait for nothing but each other. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
