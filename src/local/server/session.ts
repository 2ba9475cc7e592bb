import type { Subscription } from 'rxjs';
import type { CustomLoss } from '../engine/custom/customLoss.js';

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
  /** Custom losses by their ids. */
  readonly losses: Map<string, CustomLoss>;
  /** Creations by `model:<seq>`, `sampler:<seq>` and `loss:<seq>`. */
  readonly created: Map<string, Created>;
  silence: Subscription;
}
