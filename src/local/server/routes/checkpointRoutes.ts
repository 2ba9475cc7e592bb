import { checkpointTypes } from '../checkpointKind.js';
import type { CheckpointManifest } from '../checkpointManifest.js';
import { formatCheckpointPath } from '../checkpointPath.js';
import { checkpointPathOf } from '../checkpointPathOf.js';
import { decodeJson } from '../codec/decodeJson.js';
import { parse } from '../codec/parse.js';
import { jsonResponse } from '../jsonResponse.js';
import { page } from '../page.js';
import { refusal } from '../refusal.js';
import { checkpointTtlRequest } from '../requests/checkpointTtlRequest.js';
import type { Call, Route } from '../route.js';
import type { ServerState } from '../serverState.js';

const one = 'training_runs/:run/checkpoints/:kind/:name';

/** Training runs and their checkpoints: listed, shared, dated, removed. */
export function checkpointRoutes(state: ServerState): Route[] {
  const { checkpoints } = state;
  const setPublic = (isPublic: boolean) => async (call: Call) => {
    await checkpoints.setPublic(checkpointPathOf(call), isPublic);
    return jsonResponse({});
  };
  return [
    {
      method: 'GET',
      pattern: 'checkpoints',
      handle: ({ query }) => {
        const { items, cursor } = page(checkpoints.list().reverse(), query, 100);
        return jsonResponse({ checkpoints: items.map(checkpointBody), cursor });
      },
    },
    {
      method: 'GET',
      pattern: 'training_runs/:run/checkpoints',
      handle: (call) => {
        const runId = call.param('run');
        findRun(state, runId);
        return jsonResponse({ checkpoints: checkpoints.list(runId).map(checkpointBody) });
      },
    },
    {
      method: 'GET',
      pattern: 'training_runs',
      handle: ({ query }) => {
        const project = query.get('project_id') ?? undefined;
        const runs = listRuns(state).filter(
          ({ training_run_id: id }) => project === undefined || projectOf(state, id) === project,
        );
        const { items, cursor } = page(runs, query, 20);
        return jsonResponse({ training_runs: items, cursor });
      },
    },
    {
      method: 'GET',
      pattern: 'training_runs/:run',
      handle: (call) => jsonResponse(findRun(state, call.param('run'))),
    },
    {
      method: 'DELETE',
      pattern: one,
      handle: async (call) => {
        await checkpoints.remove(checkpointPathOf(call));
        return jsonResponse({});
      },
    },
    {
      method: 'PUT',
      pattern: `${one}/ttl`,
      handle: async (call) => {
        await checkpoints.setTtl(
          checkpointPathOf(call),
          parse(checkpointTtlRequest, decodeJson(call.request)).ttl_seconds,
        );
        return jsonResponse({});
      },
    },
    { method: 'POST', pattern: `${one}/publish`, handle: setPublic(true) },
    { method: 'DELETE', pattern: `${one}/publish`, handle: setPublic(false) },
  ];
}

interface TrainingRunBody {
  readonly training_run_id: string;
  readonly last_request_time: string;
}

/** Runs of this server's life, and those that only their checkpoints tell of; latest first. */
function listRuns(state: ServerState): TrainingRunBody[] {
  const manifests = state.checkpoints.list();
  const ofRun = new Map<string, CheckpointManifest[]>();
  for (const manifest of manifests) ofRun.set(manifest.run_id, [...(ofRun.get(manifest.run_id) ?? []), manifest]);
  const runs = [...state.runs.values()].map((run) => ({
    id: run.id,
    baseModel: run.baseModel,
    rank: run.loraRank,
    time: new Date(run.lastRequest).toISOString(),
    userMetadata: run.userMetadata,
  }));
  const known = new Set(runs.map(({ id }) => id));
  for (const [id, saved] of ofRun) {
    const last = saved.at(-1);
    if (known.has(id) || last === undefined) continue;
    runs.push({ id, baseModel: last.base_model, rank: last.lora.rank, time: last.time, userMetadata: undefined });
  }
  return runs
    .sort((a, b) => Date.parse(b.time) - Date.parse(a.time))
    .map(({ id, baseModel, rank, time, userMetadata }) => {
      const saved = ofRun.get(id) ?? [];
      const lastState = saved.findLast(({ kind }) => kind === 'weights');
      const lastSampler = saved.findLast(({ kind }) => kind === 'sampler_weights');
      return {
        training_run_id: id,
        base_model: baseModel,
        model_owner: 'local',
        is_lora: true,
        corrupted: false,
        lora_rank: rank,
        last_request_time: time,
        ...(lastState === undefined ? {} : { last_checkpoint: checkpointBody(lastState) }),
        ...(lastSampler === undefined ? {} : { last_sampler_checkpoint: checkpointBody(lastSampler) }),
        ...(userMetadata === undefined ? {} : { user_metadata: userMetadata }),
      };
    });
}

/** The project that the run's session was put into. */
function projectOf(state: ServerState, runId: string): string | undefined {
  return state.history.get(runId.replace(/:train:\d+$/, ''))?.projectId;
}

function findRun(state: ServerState, id: string): TrainingRunBody {
  const run = listRuns(state).find(({ training_run_id }) => training_run_id === id);
  if (run === undefined)
    throw refusal(404, `No training run ${id} on this server. GET /api/v1/training_runs lists them.`);
  return run;
}

function checkpointBody(manifest: CheckpointManifest): unknown {
  const { run_id: runId, kind, name } = manifest;
  return {
    checkpoint_id: `${kind}/${name}`,
    checkpoint_type: checkpointTypes[kind],
    time: manifest.time,
    tinker_path: formatCheckpointPath({ runId, kind, name }),
    size_bytes: manifest.size_bytes,
    public: manifest.public,
    ...(manifest.user_metadata === undefined ? {} : { user_metadata: manifest.user_metadata }),
    ...(manifest.expires_at === undefined ? {} : { expires_at: manifest.expires_at }),
  };
}
