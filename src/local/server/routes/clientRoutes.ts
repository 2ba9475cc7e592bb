import { decodeJson } from '../codec/decodeJson.js';
import { parse } from '../codec/parse.js';
import { jsonResponse } from '../jsonResponse.js';
import { telemetryRequest } from '../requests/telemetryRequest.js';
import type { Route } from '../route.js';
import type { ServerState } from '../serverState.js';

/** What a client asks before anything else: flags, capabilities, health; and telemetry, which is thrown away. */
export function clientRoutes({ engine, limits }: ServerState): Route[] {
  return [
    {
      method: 'POST',
      pattern: 'client/config',
      handle: () =>
        jsonResponse({
          pjwt_auth_enabled: false,
          credential_default_source: 'api_key',
          parallel_fwdbwd_chunks: true,
          proto_compress_fwdbwd: limits.compressedPasses,
          fwdbwd_max_chunk_len: limits.chunkLength,
          fwdbwd_max_chunk_bytes_count: limits.chunkBytes,
          sample_use_retrieve_futures: true,
          sample_join_sampling_session: true,
          custom_loss_server_side: true,
        }),
    },
    {
      method: 'POST',
      pattern: 'client/dynamic_config',
      handle: () =>
        jsonResponse({ refresh_interval_sec: 300, sample_cancel_enabled: true, sample_cancel_max_batch_size: 64 }),
    },
    { method: 'GET', pattern: 'healthz', handle: () => jsonResponse({ status: 'ok' }) },
    {
      method: 'GET',
      pattern: 'get_server_capabilities',
      handle: () =>
        jsonResponse({
          supported_models: engine.baseModels.map(({ name, maxContextLength }) => ({
            model_name: name,
            max_context_length: maxContextLength,
            trainable: true,
            sampleable: true,
          })),
        }),
    },
    {
      method: 'POST',
      pattern: 'telemetry',
      handle: ({ request }) => {
        parse(telemetryRequest, decodeJson(request));
        return jsonResponse({ status: 'accepted' });
      },
    },
  ];
}
