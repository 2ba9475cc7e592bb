/** How a session stands: `undefined` where it ended without a word of its client. */
export type SessionStatus =
  | { readonly type: 'active' }
  | { readonly type: 'client_finished'; readonly reason: { readonly type: string }; readonly detail?: string };

/** What is known of a session for as long as the server runs. */
export interface SessionRecord {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly displayName: string | undefined;
  readonly userMetadata: Readonly<Record<string, unknown>>;
  projectId: string | undefined;
  status: SessionStatus | undefined;
}
