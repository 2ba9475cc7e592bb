import type { PerDatumLoss } from '../perDatumLoss.js';

/**
 * The server's `cross_entropy` as a custom loss: Σ −w·p, with p the logprobs and w the `weights` of a datum. Made to be
 * added to, and to compare a custom loss with the server's own.
 *
 * @example
 * ```ts
 * training.forwardBackwardCustom(data, crossEntropyLoss);
 * ```
 */
export const crossEntropyLoss: PerDatumLoss = ({ logprobs, weights }) => logprobs.mul(weights).neg().sum();
