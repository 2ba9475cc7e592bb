import { acceptLaneCall } from '../acceptLaneCall.js';
import { loraShapeOf } from '../checkpointManifest.js';
import { formatCheckpointPath } from '../checkpointPath.js';
import { checkpointPathOf } from '../checkpointPathOf.js';
import { decodeJson } from '../codec/decodeJson.js';
import { jsonLaneBody } from '../codec/laneBody.js';
import { parse } from '../codec/parse.js';
import type { ReadFile } from '../downloads.js';
import { jsonResponse } from '../jsonResponse.js';
import { peftConfig } from '../peftConfig.js';
import { rangeResponse } from '../rangeResponse.js';
import { refusal } from '../refusal.js';
import { copyWeightsRequest } from '../requests/copyWeightsRequest.js';
import { saveExternalRequest } from '../requests/saveExternalRequest.js';
import type { Call, Route } from '../route.js';
import { saveCheckpoint } from '../saveCheckpoint.js';
import type { ServerRequest } from '../serverRequest.js';
import type { ServerResponse } from '../serverResponse.js';
import type { ServerState } from '../serverState.js';
import { tarFile } from '../tarFile.js';

const urlMs = 60 * 60 * 1000;
const one = 'training_runs/:run/checkpoints/:kind/:name';

/** Weights that leave the server: exports, archives, copies and the files that their URLs lead to. */
export function exportRoutes(state: ServerState): Route[] {
  return [
    { method: 'POST', pattern: 'save_weights_external', handle: ({ request }) => saveExternal(state, request) },
    { method: 'GET', pattern: `${one}/external_weights_urls`, handle: (call) => externalUrls(state, call) },
    { method: 'GET', pattern: `${one}/archive`, handle: (call) => archiveUrl(state, call) },
    { method: 'POST', pattern: 'copy_weights', handle: ({ request }) => copyWeights(state, request) },
    {
      method: 'GET',
      pattern: 'downloads/:token/:file',
      handle: async (call) =>
        rangeResponse(await state.downloads.read(call.param('token'), call.param('file')), call.request.headers),
    },
  ];
}

function saveExternal(state: ServerState, request: ServerRequest): ServerResponse {
  return acceptLaneCall(state, request, jsonLaneBody(request, saveExternalRequest), (model, body, seqId) => {
    if ((body.age_encryption_recipients ?? []).length > 0) {
      throw refusal(400, 'age_encryption_recipients: This server does not encrypt what it exports; leave it out.');
    }
    const { save, settled } = saveCheckpoint(state, model, {
      kind: 'external_weights',
      name: body.path,
      seqId,
      overwrite: false,
      ttlSeconds: body.ttl_seconds ?? undefined,
      userMetadata: undefined,
    });
    return {
      run: async () => {
        const path = await save();
        const { size_bytes } = state.checkpoints.get(path);
        return { kind: 'json', body: { path, size_bytes, type: 'save_weights_external' } };
      },
      settled,
    };
  });
}

/** An adapter as Hugging Face PEFT reads it, file by file. */
function filesOf(state: ServerState, path: string): Record<string, ReadFile> {
  const manifest = state.checkpoints.get(path);
  const config = new TextEncoder().encode(`${JSON.stringify(peftConfig(manifest), undefined, 2)}\n`);
  return {
    'adapter_config.json': () => Promise.resolve(config),
    'adapter_model.safetensors': async () => (await state.checkpoints.read(path, { optimizer: false })).adapter,
  };
}

function externalUrls(state: ServerState, call: Call): ServerResponse {
  const path = checkpointPathOf(call);
  if (call.param('kind') !== 'external_weights') {
    throw refusal(
      400,
      `Expected tinker://<run>/external_weights/<name>, got ${path}. save_weights_external makes one.`,
    );
  }
  const files = filesOf(state, path);
  const { token, expiresAt } = state.downloads.offer(files, urlMs);
  return jsonResponse({
    urls: Object.fromEntries(Object.keys(files).map((name) => [name, urlOf(call, token, name)])),
    expires: new Date(expiresAt).toISOString(),
  });
}

/** Older clients fetch a tar archive, which ends with a file that says that it is whole. */
function archiveUrl(state: ServerState, call: Call): ServerResponse {
  const path = checkpointPathOf(call);
  const files = filesOf(state, path);
  // The checkpoint's own time: every archive of it is the same, so that a download can go on with another URL.
  const savedAt = Date.parse(state.checkpoints.get(path).time);
  const archive: ReadFile = async () => {
    const contents = await Promise.all(
      Object.entries(files).map(async ([name, read]) => [name, await read()] as const),
    );
    const whole = { ...Object.fromEntries(contents), checkpoint_complete: new Uint8Array() };
    return tarFile(whole, savedAt);
  };
  const { token, expiresAt } = state.downloads.offer({ 'checkpoint.tar': archive }, urlMs);
  const location = urlOf(call, token, 'checkpoint.tar');
  return jsonResponse({ url: location }, 302, { location, expires: new Date(expiresAt).toUTCString() });
}

async function copyWeights(state: ServerState, request: ServerRequest): Promise<ServerResponse> {
  const { source_path: source, ttl_seconds } = parse(copyWeightsRequest, decodeJson(request));
  const manifest = state.checkpoints.get(source);
  const { kind, name, base_model: baseModel, user_metadata: userMetadata } = manifest;
  const path = { runId: `copy-${state.random.id()}`, kind, name };
  await state.checkpoints.save(
    {
      path,
      baseModel,
      lora: loraShapeOf(manifest),
      ...(typeof ttl_seconds === 'number' && { ttlSeconds: ttl_seconds }),
      ...(userMetadata !== undefined && { userMetadata }),
    },
    await state.checkpoints.read(source, { optimizer: manifest.files.optimizer !== undefined }),
  );
  return jsonResponse({ tinker_path: formatCheckpointPath(path) });
}

/** An address on the host that the client asked; in this process there is none, and the path is all. */
function urlOf({ request }: Call, token: string, file: string): string {
  const { host } = request.headers;
  return `${host === undefined ? '' : `http://${host}`}/api/v1/downloads/${token}/${file}`;
}
