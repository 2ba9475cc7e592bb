/** How the stub server answers during one run. */
export interface StubSettings {
  /** Milliseconds from a request to its result. */
  readonly delayMs: number;
  /** Whether training requests are worked on one after another, each for `delayMs`. */
  readonly inOrder: boolean;
  /** Of a pass: the result has a logprob a token. */
  readonly datums: number;
  readonly tokens: number;
  /** Tokens of a sample. */
  readonly sampled: number;
  /** Further flags of the server. */
  readonly flags: Readonly<Record<string, boolean>>;
}

/** What the stub has counted since its settings were given. */
export interface StubCounts {
  readonly requests: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of the stub's process, user and system. */
  readonly cpuMs: number;
  /** Share of the time between the first and the last training request in which it had none, in `inOrder`. */
  readonly idle: number;
  readonly paths: Readonly<Record<string, number>>;
}
