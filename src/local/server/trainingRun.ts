/** What is known of a model for as long as the server runs, loaded or not. */
export interface TrainingRun {
  readonly id: string;
  readonly sessionId: string;
  readonly baseModel: string;
  readonly loraRank: number;
  readonly userMetadata: Readonly<Record<string, unknown>> | undefined;
  /** Milliseconds since 1970. */
  lastRequest: number;
}
