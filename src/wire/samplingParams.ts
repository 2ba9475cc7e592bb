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
  readonly max_tokens?: number;
  readonly seed?: number;
  readonly stop?: string | readonly string[] | readonly number[];
  readonly temperature: number;
  readonly top_k: number;
  readonly top_p: number;
}

const keys = ['maxTokens', 'seed', 'stop', 'temperature', 'topK', 'topP'] satisfies (keyof SamplingParams)[];

/** Fills in the defaults. @throws TinkerError `invalid_argument` for an unknown key or a value out of range */
export function toWireSamplingParams(params: SamplingParams = {}): WireSamplingParams {
  checkKeys('samplingParams', params, keys);
  const { maxTokens, seed, stop, temperature = 1, topK = -1, topP = 1 } = params;
  if (topK !== -1) checkNumber('topK (or -1 for all)', topK, { integer: true, min: 1 });
  return {
    ...(maxTokens === undefined ? {} : { max_tokens: checkNumber('maxTokens', maxTokens, { integer: true, min: 1 }) }),
    ...(seed === undefined ? {} : { seed: checkNumber('seed', seed, { integer: true, min: 0 }) }),
    ...(stop === undefined ? {} : { stop: checkStop(stop) }),
    temperature: checkNumber('temperature', temperature, { min: 0 }),
    top_k: topK,
    top_p: checkNumber('topP', topP, { above: 0, max: 1 }),
  };
}

function checkStop(stop: NonNullable<SamplingParams['stop']>): NonNullable<SamplingParams['stop']> {
  if (typeof stop === 'string') return stop;
  const items: readonly unknown[] = Array.isArray(stop) ? stop : [undefined];
  const strings = items.every((item) => typeof item === 'string');
  const tokens = items.every((item) => Number.isInteger(item) && Number(item) >= 0);
  if (strings || tokens) return stop;
  throw invalidArgument('stop to be a string, an array of strings or an array of tokens', stop);
}
