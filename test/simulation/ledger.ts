import type { TinkerError } from '../../src/errors.js';
import type { OperationEvent } from '../../src/clients/modelContext.js';
import type { CheckpointEntry } from '../../src/training/checkpointLog.js';

/** One call of a model that the server's engine began. */
export interface Executed {
  readonly operation: string;
  /** The first datum's tokens, of a pass. */
  readonly tokens?: string;
}

/** A model as its client knew it. */
export interface ModelRecord {
  readonly modelId: string;
  readonly startStep: number;
  readonly from: CheckpointEntry | undefined;
  readonly events: OperationEvent[];
}

/** What is written down of a simulated run, at both ends, to be compared afterwards. */
export class Ledger {
  /** Calls that the engine began, by model, in order. */
  readonly executed = new Map<string, Executed[]>();
  readonly models: ModelRecord[] = [];
  /** Metrics that the client was told, by step. */
  readonly steps: { readonly step: number; readonly metrics: string }[] = [];
  /** Greedy samples from checkpoints. */
  readonly samples: { readonly batch: number; readonly tokens: string }[] = [];
  readonly interruptions: TinkerError[] = [];
  /** Errors of what is done beside the training. */
  readonly sideErrors: TinkerError[] = [];
  /** What the client logged as warnings and errors. */
  readonly warnings: string[] = [];
  /** The client's record of checkpoints, on a disk of its own. */
  readonly entries: CheckpointEntry[] = [];
  /** What went wrong and how often: faults of the network, crashes, jumps of the clock. */
  readonly happened = new Map<string, number>();
  /** The story in lines, with virtual milliseconds. */
  readonly story: string[] = [];
  finished: CheckpointEntry | undefined;
  failure: TinkerError | undefined;

  happens(what: string): void {
    this.happened.set(what, (this.happened.get(what) ?? 0) + 1);
  }

  executes(modelId: string, executed: Executed): void {
    const calls = this.executed.get(modelId);
    if (calls === undefined) this.executed.set(modelId, [executed]);
    else calls.push(executed);
  }

  get ended(): boolean {
    return this.finished !== undefined || this.failure !== undefined;
  }
}
