import type { Observable } from 'rxjs';
import { TinkerError } from '../../errors.js';
import { BoundedMap } from './boundedMap.js';
import { CheckpointStore } from './checkpointStore.js';
import { constantTimeEqual } from './constantTimeEqual.js';
import { ownerOfKey, soleOwner } from './owner.js';
import { PromiseStore } from './promiseStore.js';
import { router } from './router.js';
import { accountRoutes } from './routes/accountRoutes.js';
import { checkpointRoutes } from './routes/checkpointRoutes.js';
import { clientRoutes } from './routes/clientRoutes.js';
import { customLossRoute } from './routes/customLossRoute.js';
import { completionsRoute } from './routes/completionsRoute.js';
import { exportRoutes } from './routes/exportRoutes.js';
import { futureRoutes } from './routes/futureRoutes.js';
import { historyRoutes } from './routes/historyRoutes.js';
import { modelRoutes } from './routes/modelRoutes.js';
import { samplingRoutes } from './routes/samplingRoutes.js';
import { saveForSamplerRoute } from './routes/saveForSamplerRoute.js';
import { sessionRoutes } from './routes/sessionRoutes.js';
import { trainingRoutes } from './routes/trainingRoutes.js';
import { weightsRoutes } from './routes/weightsRoutes.js';
import type { ServerRequest } from './serverRequest.js';
import type { ServerResponse } from './serverResponse.js';
import type { ServerState } from './serverState.js';
import type { Storage } from './storage.js';

/** All clients with one key. They share nothing with others but the engine: what they know is a state of their own. */
export interface Tenant {
  /** Missing where the server asks for none. */
  readonly key: string | undefined;
  readonly state: ServerState;
  readonly route: (request: ServerRequest) => Observable<ServerResponse>;
}

/** What tenants have in common. */
export type SharedState = Pick<
  ServerState,
  'engine' | 'clock' | 'random' | 'log' | 'tell' | 'isWatched' | 'limits' | 'readFile' | 'vocabularies' | 'downloads'
>;

/**
 * Makes a tenant for each key, or one where there is none.
 *
 * @throws TinkerError `invalid_config` for an empty key, `server_error` when the storage can't be read.
 */
export async function openTenants(shared: SharedState, storage: Storage, keys: readonly string[]): Promise<Tenant[]> {
  if (keys.includes('')) {
    throw new TinkerError('invalid_config', 'Expected API keys of at least one character, got an empty one.');
  }
  const { clock, log } = shared;
  const checkpoints = await CheckpointStore.open({ storage, clock, log });
  const distinct = [...new Set(keys)];
  if (distinct.length === 0) return [openTenant(shared, undefined, checkpoints.seenBy(soleOwner))];
  const isOnly = distinct.length === 1;
  return Promise.all(
    distinct.map(async (key) => openTenant(shared, key, checkpoints.seenBy(await ownerOfKey(key, isOnly)))),
  );
}

/** No `..`, nor anything else that reads as another path later. */
const downloadForm = /^\/api\/v1\/downloads\/\w+\/\w[\w.-]*$/;

/** The tenant whose key a request carries, any for a download; it takes as long whichever it is. */
export function findTenant(
  tenants: readonly Tenant[],
  { method, path, headers }: Pick<ServerRequest, 'method' | 'path' | 'headers'>,
): Tenant | undefined {
  // The URL of a download is its key.
  if (method === 'GET' && downloadForm.test(path)) return tenants[0];
  const given = headers['x-api-key'] ?? '';
  const matching = tenants.map(({ key }) => key === undefined || constantTimeEqual(key, given));
  return tenants.find((_, index) => matching[index]);
}

function openTenant(shared: SharedState, key: string | undefined, checkpoints: CheckpointStore): Tenant {
  const { clock, limits, log, random } = shared;
  const state: ServerState = {
    ...shared,
    promises: new PromiseStore({ clock, limits, log, run: random.id() }),
    checkpoints,
    sessions: new Map(),
    models: new Map(),
    samplers: new Map(),
    endedSessions: new BoundedMap(10_000),
    goneModels: new BoundedMap(10_000),
    runs: new BoundedMap(10_000),
    history: new BoundedMap(10_000),
    completions: new BoundedMap(10_000),
  };
  const route = router([
    ...clientRoutes(state),
    ...sessionRoutes(state),
    ...modelRoutes(state),
    ...trainingRoutes(state),
    customLossRoute(state),
    ...weightsRoutes(state),
    saveForSamplerRoute(state),
    ...samplingRoutes(state),
    ...futureRoutes(state),
    completionsRoute(state),
    ...checkpointRoutes(state),
    ...exportRoutes(state),
    ...historyRoutes(state),
    ...accountRoutes(state),
  ]);
  return { key, state, route };
}
