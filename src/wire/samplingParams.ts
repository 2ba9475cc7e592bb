import { invalidArgument } from '../errors.js';
import { checkKeys, checkNumber } from './checkNumber.js';

/** How tokens are drawn. */
export interface SamplingParams {
  /** Longest sample in tokens; default: until the context is full. */
  readonly maxTokens?: number;
  /** Same seed, same samples; default: drawn by the server. */
  readonly seed?: number;
  /** Strings or tokens that end a sample; default: the model's own end; `[]`: nothing ends it but `maxTokens`. */
  readonly stop?: string | readonly string[] | readonly number[];
  /** 0 is greedy; default 1. */
  readonly temperature?: number;
  /** Draw from the k likeliest tokens; default −1, from all. */
  readonly topK?: number;
  /** Draw from the likeliest tokens that hold this probability together; default 1. */
  readonly topP?: number;
}

/** {@link SamplingParams} as on the wire. */
export interface WireSamplingParams {
  max_tokens?: number;
  seed?: number;
  stop?: string | readonly string[] | readonly number[];
  temperature: number;
  top_k: number;
  top_p: number;
}

const keys = ['maxTokens', 'seed', 'stop', 'temperature', 'topK', 'topP'] satisfies (keyof SamplingParams)[];
const atLeastOne = { integer: true, min: 1 } as const;
const notNegative = { integer: true, min: 0 } as const;
const temperatures = { min: 0 } as const;
const probabilities = { above: 0, max: 1 } as const;

/** Fills in the defaults. @throws TinkerError `invalid_argument` for an unknown key or a value out of range */
export function toWireSamplingParams(params: SamplingParams = {}): Readonly<WireSamplingParams> {
  checkKeys('samplingParams', params, keys);
  const { maxTokens, seed, stop, temperature = 1, topK = -1, topP = 1 } = params;
  if (topK !== -1) checkNumber('topK (or -1 for all)', topK, atLeastOne);
  const wire: WireSamplingParams = {
    temperature: checkNumber('temperature', temperature, temperatures),
    top_k: topK,
    top_p: checkNumber('topP', topP, probabilities),
  };
  if (maxTokens !== undefined) wire.max_tokens = checkNumber('maxTokens', maxTokens, atLeastOne);
  if (seed !== undefined) wire.seed = checkNumber('seed', seed, notNegative);
  if (stop !== undefined) wire.stop = checkStop(stop);
  return wire;
}

function checkStop(stop: NonNullable<SamplingParams['stop']>): NonNullable<SamplingParams['stop']> {
  if (typeof stop === 'string') return stop;
  const items: readonly unknown[] = Array.isArray(stop) ? stop : [undefined];
  const strings = items.every((item) => typeof item === 'string');
  const tokens = items.every((item) => Number.isInteger(item) && Number(item) >= 0);
  if (strings || tokens) return stop;
  throw invalidArgument('stop to be a string, an array of strings or an array of tokens', stop);
}
