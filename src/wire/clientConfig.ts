import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { openEnum, optional, withDefault } from './optional.js';

const flag = (byDefault: boolean) => withDefault(s.boolean(), byDefault);
const size = (byDefault: number) => withDefault(s.number().check(s.positive()), byDefault);

/** Answer of client/config: the server's flags, with the protocol's default where one is missing. */
export const clientConfigSchema = s.transform(
  s.object({
    pjwt_auth_enabled: flag(false),
    credential_default_source: withDefault(openEnum('api_key', 'credential_cmd'), 'api_key'),
    sample_dispatch_bytes_semaphore_size: size(10_485_760),
    inflight_response_bytes_semaphore_size: size(52_428_800),
    parallel_fwdbwd_chunks: flag(true),
    proto_compress_fwdbwd: flag(false),
    // Without a default: where the server sends none, the documented 128 examples and 500,000 tokens hold.
    fwdbwd_max_chunk_len: optional(s.number().check(s.positive())),
    fwdbwd_max_chunk_bytes_count: optional(s.number().check(s.positive())),
    fwdbwd_dispatch_bytes_semaphore_size: size(50_000_000),
    billing_exception_max_pause_duration_sec: withDefault(s.number().check(s.nonnegative()), 3600),
    sample_no_retries: flag(false),
    sample_enable_stuck_detection: flag(true),
    sample_max_concurrent_requests: size(2000),
    use_pyqwest_transport: flag(true),
    sample_use_retrieve_futures: flag(false),
    custom_loss_server_side: flag(false),
    sample_join_sampling_session: flag(false),
  }),
  (flags) => camelKeys(flags),
);

/** The server's flags for this client, e.g. `fwdbwdMaxChunkLen` (datums) and `fwdbwdMaxChunkBytesCount` (bytes). */
export type ClientConfig = s.Output<typeof clientConfigSchema>;

/** The flags of a server that has no client/config. */
export const defaultClientConfig: ClientConfig = clientConfigSchema.parse({});
