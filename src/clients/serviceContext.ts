import type { Observable } from 'rxjs';
import type { Tokenizer } from '../tokenizer/index.js';
import type { ModelInfo } from '../wire/index.js';
import type { Connection } from './connection.js';
import type { ModelContext } from './modelContext.js';
import type { Session } from './session.js';
import type { Telemetry } from './telemetry.js';

/** Makes a tokenizer for a model; the default loads it by its id. */
export type LoadTokenizer = (id: string) => Observable<Tokenizer>;

/** What the clients of one service share beside the connection. */
export interface ServiceContext {
  readonly connection: Connection;
  readonly session: Session;
  readonly telemetry: Telemetry;
  /** Least time between two warnings of a paused queue, in milliseconds. */
  readonly queueWarningIntervalMs: number;
  /** Models that are not unloaded yet. */
  readonly models: Set<ModelContext>;
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
