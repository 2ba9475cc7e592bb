import { invalidArgument } from '../errors.js';
import { checkNumber } from './checkNumber.js';

/** Form of a LoRA adapter. */
export interface LoraConfig {
  /** Rank of the update; default 32. */
  readonly rank?: number;
  /** Seed of the adapter's initial weights; default: drawn by the server. */
  readonly seed?: number;
  /** Default true, as for the other two. */
  readonly trainMlp?: boolean;
  readonly trainAttn?: boolean;
  readonly trainUnembed?: boolean;
}

/** {@link LoraConfig} as on the wire. */
export interface WireLoraConfig {
  readonly rank: number;
  readonly seed?: number;
  readonly train_mlp: boolean;
  readonly train_attn: boolean;
  readonly train_unembed: boolean;
}

/** Fills in the defaults. @throws TinkerError `invalid_argument` for a value out of range, or nothing to train */
export function toWireLoraConfig(config: LoraConfig = {}): WireLoraConfig {
  const { rank = 32, seed, trainMlp = true, trainAttn = true, trainUnembed = true } = config;
  if (!trainMlp && !trainAttn && !trainUnembed) {
    throw invalidArgument('one of trainMlp, trainAttn and trainUnembed to be true', 'all false');
  }
  return {
    rank: checkNumber('rank', rank, { integer: true, min: 1 }),
    ...(seed === undefined ? {} : { seed: checkNumber('seed', seed, { integer: true, min: 0 }) }),
    train_mlp: trainMlp,
    train_attn: trainAttn,
    train_unembed: trainUnembed,
  };
}
