import type { Subscription } from 'rxjs';

/** What a creation with a sequence number of the session's made, to answer its repetition. */
export interface Created {
  readonly fingerprint: string;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** A client's session: its models and sampling sessions end with it. */
export interface Session {
  readonly id: string;
  readonly createdAt: number;
  readonly tags: readonly string[];
  readonly userMetadata: Readonly<Record<string, unknown>>;
  readonly displayName: string | undefined;
  lastSeen: number;
  readonly modelIds: string[];
  readonly samplerIds: string[];
  /** Creations by `model:<seq>` and `sampler:<seq>`. */
  readonly created: Map<string, Created>;
  silence: Subscription;
}
