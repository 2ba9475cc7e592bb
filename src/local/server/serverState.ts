import type { Engine, StopTexts } from '../engine/engine.js';
import type { BoundedMap } from './boundedMap.js';
import type { CheckpointStore } from './checkpointStore.js';
import type { Clock } from './clock.js';
import type { CompletionLog } from './completionLog.js';
import type { Downloads } from './downloads.js';
import type { Model } from './model.js';
import type { PromiseStore } from './promiseStore.js';
import type { Random } from './random.js';
import type { Sampler } from './sampler.js';
import type { TellServerEvent } from './serverEvent.js';
import type { ServerLimits } from './serverLimits.js';
import type { ServerLog } from './serverLog.js';
import type { Session } from './session.js';
import type { SessionRecord } from './sessionRecord.js';
import type { TrainingRun } from './trainingRun.js';

/** A model that is no longer loaded. */
export interface GoneModel {
  readonly reason: string;
  /** The promise of the unload that the client asked for. */
  readonly unloadPromiseId: string | undefined;
}

/** Everything that the routes work on. */
export interface ServerState {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: ServerLog;
  readonly limits: ServerLimits;
  /** Tells who watches the server what happens. */
  readonly tell: TellServerEvent;
  /** Whether anybody does: texts are made for nobody else. */
  readonly isWatched: boolean;
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** What tokens add to a text, by base model, read when first needed. */
  readonly vocabularies: Map<string, StopTexts['vocabulary']>;
  readonly promises: PromiseStore;
  readonly checkpoints: CheckpointStore;
  readonly sessions: Map<string, Session>;
  readonly models: Map<string, Model>;
  readonly samplers: Map<string, Sampler>;
  /** Why sessions and models of the past are no more, and what runs were. */
  readonly endedSessions: BoundedMap<string, string>;
  readonly goneModels: BoundedMap<string, GoneModel>;
  readonly runs: BoundedMap<string, TrainingRun>;
  readonly history: BoundedMap<string, SessionRecord>;
  /** Samples that are done, by sampling session and clone. */
  readonly completions: BoundedMap<string, CompletionLog>;
  readonly downloads: Downloads;
}
