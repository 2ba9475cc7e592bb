import { invalidArgument } from '../errors.js';
import { type ClientConfig, fromBase64, snakeCase, toBase64 } from '../wire/index.js';
import { withDefault } from '../wire/optional.js';
import * as s from '../wire/schema.js';

/** What another process needs to draw from the same sampler; the key is never part of it. */
export interface SamplerHandle {
  /** The session that keeps the sampler alive. */
  readonly sessionId: string;
  readonly samplingSessionId: string;
  readonly baseModel: string;
  readonly recordStabilityInfo: boolean;
  readonly baseUrl: string;
}

const handleSchema = s.object({
  session_id: s.string().check(s.minLength(1)),
  sampling_session_id: s.string().check(s.minLength(1)),
  base_model: s.string(),
  record_stability_info: withDefault(s.boolean(), false),
  holder: s.object({ base_url: s.string() }),
});

/** A handle as text for URLs: base64 of JSON in the form that the Python SDK reads and writes. */
export function writeSamplerHandle(handle: SamplerHandle, flags: ClientConfig): string {
  const client_config = Object.fromEntries(Object.entries(flags).map(([name, value]) => [snakeCase(name), value]));
  const json = JSON.stringify({
    session_id: handle.sessionId,
    sampling_session_id: handle.samplingSessionId,
    base_model: handle.baseModel,
    record_stability_info: handle.recordStabilityInfo,
    holder: {
      base_url: handle.baseUrl,
      default_headers_overrides: {},
      client_config,
      client_dynamic_config: {},
      api_key: null,
    },
  });
  return toBase64(new TextEncoder().encode(json)).replaceAll('+', '-').replaceAll('/', '_');
}

/** Reads what {@link writeSamplerHandle} wrote. @throws TinkerError `invalid_argument` */
export function readSamplerHandle(text: string): SamplerHandle {
  const parsed = handleSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw invalidArgument(
      'a handle from getSamplerHandle',
      typeof text === 'string' ? `${text.length} other characters` : text,
    );
  }
  const { data } = parsed;
  return {
    sessionId: data.session_id,
    samplingSessionId: data.sampling_session_id,
    baseModel: data.base_model,
    recordStabilityInfo: data.record_stability_info,
    baseUrl: data.holder.base_url.replace(/\/+$/, ''),
  };
}

function jsonOf(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(fromBase64(text)));
  } catch {
    return undefined;
  }
}
