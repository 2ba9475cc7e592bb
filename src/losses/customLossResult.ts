/** What a custom loss comes to on one batch. */
export interface CustomLossResult {
  /** C, a finite number. */
  readonly loss: number;
  /** ∂C/∂logprobs, one array a datum, as long as its logprobs (row-major where they have two axes); all finite. */
  readonly gradients: readonly Float32Array[];
  /** By the names that the loss gave them, `name:reduction` as a rule. */
  readonly metrics: Readonly<Record<string, number>>;
}
