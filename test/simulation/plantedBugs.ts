import { EMPTY, type Observable, catchError, defer, from, identity, switchMap, timer } from 'rxjs';
import { Lane } from '../../src/clients/lane.js';
import { Operation } from '../../src/clients/operation.js';
import type { ServiceContext } from '../../src/clients/serviceContext.js';
import { ServiceClient } from '../../src/clients/service.js';
import { Session } from '../../src/clients/session.js';
import { TrainingClient } from '../../src/clients/training.js';
import type { SaveStateOptions } from '../../src/clients/trainingOptions.js';
import { TinkerError } from '../../src/errors.js';
import { ModelLane } from '../../src/local/server/modelLane.js';
import type { Storage } from '../../src/local/server/storage.js';
import type { Transport, TransportRequest } from '../../src/transport/transport.js';
import type { SavedState } from '../../src/wire/index.js';
import type { Seams } from './seams.js';

/** A bug put in by hand, which the simulation must find. */
export interface PlantedBug {
  readonly name: string;
  readonly seams?: () => Seams;
  /** Changes a method; gives what changes it back. */
  readonly patch?: () => () => void;
}

/** What goes wrong in clients and servers of this kind. */
export const plantedBugs: readonly PlantedBug[] = [
  { name: 'a retry takes another seq_id', seams: () => ({ transport: withNewSeqIds }) },
  { name: 'a refused seq_id is not given back', patch: keepRefusedSeqIds },
  { name: 'an unknown outcome is taken for a refusal', patch: takeAllForRefusals },
  { name: 'a poll asks for another promise', seams: () => ({ transport: withMixedUpPolls }) },
  { name: 'the heartbeat outlives the close', patch: () => replace(Session.prototype, 'stop', () => () => undefined) },
  { name: 'the server runs a repeated call again', patch: runRepeatedCalls },
  { name: 'a save is acknowledged before it is on the disk', seams: () => ({ storage: withLateWrites }) },
  { name: 'a checkpoint is recorded before it is saved', patch: answerSavesAtOnce },
  { name: 'a checkpoint is saved after the next step began', patch: delaySaves },
  { name: 'a resume leaves a batch out', seams: () => ({ firstBatch: (start) => (start === 0 ? 0 : start + 1) }) },
  { name: 'a resume repeats a batch', seams: () => ({ firstBatch: (start) => (start === 0 ? 0 : start - 1) }) },
  { name: 'a resume forgets the optimizer', patch: forgetOptimizers },
];

function replace<T extends object, K extends keyof T>(target: T, key: K, make: (original: T[K]) => T[K]): () => void {
  const original = target[key];
  target[key] = make(original);
  return () => {
    target[key] = original;
  };
}

function withNewSeqIds(transport: Transport): Transport {
  const attempts = new Map<string, number>();
  return {
    ...transport,
    // A retry subscribes again to what was sent before.
    send: (request) =>
      defer(() => {
        const key = request.headers['x-idempotency-key'] ?? '';
        const attempt = attempts.get(key) ?? 0;
        attempts.set(key, attempt + 1);
        return transport.send(rewrite(request, /"seq_id":(\d+)/, (seqId) => `"seq_id":${Number(seqId) + attempt}`));
      }),
  };
}

function withMixedUpPolls(transport: Transport): Transport {
  let polls = 0;
  let earlier = '';
  return {
    ...transport,
    send: (request) => {
      if (!request.path.endsWith('retrieve_future')) return transport.send(request);
      const mixUp = ++polls % 20 === 0;
      return transport.send(
        rewrite(request, /"request_id":"([^"]+)"/, (id) => {
          const asked = mixUp ? earlier : id;
          earlier = id;
          return `"request_id":"${asked}"`;
        }),
      );
    },
  };
}

function rewrite(request: TransportRequest, what: RegExp, by: (value: string) => string): TransportRequest {
  const { body } = request;
  if (typeof body !== 'string') return request;
  return { ...request, body: body.replace(what, (_, value: string) => by(value)) };
}

/** A file is written when the next one comes. */
function withLateWrites(storage: Storage): Storage {
  let last: { readonly path: string; readonly bytes: Uint8Array } | undefined;
  return {
    ...storage,
    read: (path) => (path === last?.path ? Promise.resolve(last.bytes) : storage.read(path)),
    write: async (path, bytes) => {
      const before = last;
      last = { path, bytes };
      if (before !== undefined) await storage.write(before.path, before.bytes);
    },
  };
}

function keepRefusedSeqIds(): () => void {
  return replace(
    Lane.prototype,
    'post',
    (original) =>
      function <T>(this: Lane, ...[type, request, isRefusal, explain = identity]: PostArguments<T>) {
        return original.call(this, type, request, isRefusal, (error) => explain(spend(this, error))) as PostAnswer<T>;
      },
  );
}

function spend(lane: Lane, error: unknown): unknown {
  const refused = error instanceof TinkerError && error.code === 'conflict';
  if (refused) Reflect.set(lane, 'nextSeqId', Number(Reflect.get(lane, 'nextSeqId')) + 1);
  return error;
}

function takeAllForRefusals(): () => void {
  return replace(
    Lane.prototype,
    'post',
    (original) =>
      function <T>(this: Lane, ...[type, request, , explain]: PostArguments<T>) {
        return original.call(this, type, request, () => true, explain) as PostAnswer<T>;
      },
  );
}

type PostArguments<T> = Parameters<typeof Lane.prototype.post<T>>;
type PostAnswer<T> = Observable<{ readonly seqId: number; readonly promise: T }>;

function runRepeatedCalls(): () => void {
  const accepted = new WeakMap<ModelLane, Set<number>>();
  const undoFind = replace(
    ModelLane.prototype,
    'find',
    (original) =>
      function (this: ModelLane, seqId, fingerprint) {
        original.call(this, seqId, fingerprint);
        return undefined;
      },
  );
  const undoAccept = replace(
    ModelLane.prototype,
    'accept',
    (original) =>
      function (this: ModelLane, seqId, fingerprint, job) {
        const seen = accepted.get(this) ?? new Set();
        accepted.set(this, seen);
        if (seen.has(seqId)) this.first(job);
        else original.call(this, seqId, fingerprint, job);
        seen.add(seqId);
      },
  );
  return () => {
    undoFind();
    undoAccept();
  };
}

function answerSavesAtOnce(): () => void {
  return changeSaves((save, training, name) => {
    save.pipe(catchError(() => EMPTY)).subscribe();
    return [{ path: `tinker://${training.modelId}/weights/${name}` }];
  });
}

function delaySaves(): () => void {
  return changeSaves((save, training) => {
    const { connection } = Reflect.get(training, 'service') as ServiceContext;
    return timer(100, connection.scheduler).pipe(switchMap(() => save));
  });
}

/** Changes the saves of the run itself. */
function changeSaves(
  change: (
    save: Operation<SavedState>,
    training: TrainingClient,
    name: string,
  ) => Observable<SavedState> | readonly SavedState[],
): () => void {
  return replace(
    TrainingClient.prototype,
    'saveState',
    (original) =>
      function (this: TrainingClient, name: string, options: SaveStateOptions = {}) {
        const save = original.call(this, name, options);
        if (options.overwrite !== true) return save;
        const { connection } = Reflect.get(this, 'service') as ServiceContext;
        const attach: Attach = (subscriber) => {
          subscriber.add(from(change(save, this, name)).subscribe(subscriber));
        };
        return new Operation(save.type, { attach, watch: () => undefined }, connection.scheduler);
      },
  );
}

type Attach = ConstructorParameters<typeof Operation<SavedState>>[1]['attach'];

function forgetOptimizers(): () => void {
  return replace(
    ServiceClient.prototype,
    'createTrainingClientFromStateWithOptimizer',
    () =>
      function (this: ServiceClient, path, options) {
        return this.createTrainingClientFromState(path, options);
      },
  );
}
