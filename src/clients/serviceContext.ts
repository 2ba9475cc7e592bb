import type { Observable, Subject } from 'rxjs';
import type { Tokenizer } from '../tokenizer/index.js';
import type { ClientConfig, ModelInfo } from '../wire/index.js';
import type { Connection } from './connection.js';
import type { DynamicFlags } from './dynamicFlags.js';
import type { ModelContext } from './modelContext.js';
import type { SampleDispatch } from './sampleDispatch.js';
import type { Session } from './session.js';
import type { Telemetry } from './telemetry.js';
import type { TrainingClient } from './training.js';
import type { UploadedLosses } from './uploadedLosses.js';

/** Makes a tokenizer for a model; the default loads it by its id. */
export type LoadTokenizer = (id: string) => Observable<Tokenizer>;

/** What the clients of one service share beside the connection. */
export interface ServiceContext {
  readonly connection: Connection;
  /** The server's address, without a slash at its end. */
  readonly baseUrl: string;
  readonly session: Session;
  readonly telemetry: Telemetry;
  /** The server's flags that may change. */
  readonly dynamicFlags: DynamicFlags;
  readonly uploadedLosses: UploadedLosses;
  /** Submits samples within the server's limits. */
  dispatchOf(flags: ClientConfig): SampleDispatch;
  /** Lets at most so many samples be cancelled at once; the first limit holds. */
  limitCancels(limit: number): <T>(source: Observable<T>) => Observable<T>;
  /** Least time between two warnings of a paused queue, in milliseconds. */
  readonly queueWarningIntervalMs: number;
  /** Models that are not unloaded yet. */
  readonly models: Set<ModelContext>;
  /** Told of each client that was made. */
  readonly trainingClients: Subject<TrainingClient>;
  /** The tokenizer of a model: from the server where it ships one, else by its id; cached. */
  tokenizer(
    model: { readonly modelName: string; readonly info?: ModelInfo },
    load?: LoadTokenizer,
  ): Observable<Tokenizer>;
  /** Work that outlives its subscriber and that `close` awaits, e.g. an unload. */
  finishLater(work: Observable<unknown>): void;
  /** Completes when none of that work is left. */
  finishing(): Observable<never>;
}
