/** The server's times and sizes. Times are in milliseconds. */
export interface ServerLimits {
  /** How long a poll is held before it is answered `try_again`. */
  readonly pollHoldMs: number;
  /** How long calls wait for a missing earlier seq_id before they fail. */
  readonly gapMs: number;
  /** How long a session may be silent before it and its models are dropped. */
  readonly sessionSilenceMs: number;
  /** How long closing waits for the calls that run. */
  readonly closeMs: number;
  /** How long a result that was read stays readable again. */
  readonly resultKeepMs: number;
  /** Bytes of results kept after they were read, and before; beyond, the oldest are dropped (410). */
  readonly readResultBytes: number;
  readonly unreadResultBytes: number;
  /** Bytes of accepted calls that wait or run; beyond, calls are refused with 429. */
  readonly queuedBytes: number;
  /** Samples of one sampling session that the engine gets at a time. */
  readonly concurrentSamples: number;
  /** Sampling sessions without a checkpoint that one session may hold; beyond, the oldest are dropped. */
  readonly ephemeralSamplers: number;
  /** Sessions, live models and sampling sessions that the clients of one key may have; beyond, none are made (429). */
  readonly sessions: number;
  readonly models: number;
  readonly samplers: number;
  /** Datums of one forward or backward call. */
  readonly datumsPerCall: number;
  /** Sequences of one sampling call. */
  readonly samplesPerCall: number;
  /** Bytes of one request body. */
  readonly bodyBytes: number;
  /** Datums and bytes of one chunk, as told to clients. */
  readonly chunkLength: number;
  readonly chunkBytes: number;
  /** Answers a first poll with the size of the result, where the client allows it. */
  readonly metadataFirst: boolean;
  /** Asks clients to compress the passes that they send (zstd), which pays off over a slow network only. */
  readonly compressedPasses: boolean;
}

/** What applies unless the caller says otherwise. */
export const defaultLimits: ServerLimits = {
  pollHoldMs: 40_000,
  gapMs: 120_000,
  sessionSilenceMs: 300_000,
  closeMs: 10_000,
  resultKeepMs: 300_000,
  readResultBytes: 8 * 1024 * 1024,
  unreadResultBytes: 256 * 1024 * 1024,
  queuedBytes: 256 * 1024 * 1024,
  concurrentSamples: 32,
  ephemeralSamplers: 64,
  sessions: 1000,
  models: 256,
  samplers: 1000,
  datumsPerCall: 4096,
  samplesPerCall: 1024,
  bodyBytes: 64 * 1024 * 1024,
  chunkLength: 128,
  chunkBytes: 5_000_000,
  metadataFirst: false,
  compressedPasses: false,
};
