import { type OperatorFunction, concat, defer, mergeMap } from 'rxjs';
import { invalidArgument } from '../src/errors.js';

/** What {@link chunkData} counts by default: the tokens of a datum's input. */
export interface TokenCounted {
  readonly modelInput: { readonly length: number };
}

/** The largest chunk. Each limit is a whole number ≥ 1 or `Infinity`. */
export interface ChunkLimits<T> {
  /** Datums; default 128. */
  readonly maxExamples?: number;
  /** Sum of `countTokens`; default 500,000. */
  readonly maxTokens?: number;
  /** Sum of `countBytes`, which must be given with it; default: no limit. */
  readonly maxBytes?: number;
  /** Tokens of one datum; default: `datum.modelInput.length`. */
  readonly countTokens: (datum: T) => number;
  /** Bytes of one datum. */
  readonly countBytes?: (datum: T) => number;
}

type DefaultLimits<T> = Partial<ChunkLimits<T>>;

/**
 * Cuts data into chunks within limits.
 *
 * Order is kept and nothing is lost; each chunk is as long as the limits let it be, and a datum that is over a limit by
 * itself is a chunk of its own. No data, no chunks. Errors: `invalid_argument` for a wrong limit or count.
 *
 * @example
 * ```ts
 * splitIntoChunks([3, 3, 9, 1], { maxTokens: 6, countTokens: (n) => n }); // [[3, 3], [9], [1]]
 * ```
 */
export function splitIntoChunks<T>(data: Iterable<T>, limits: ChunkLimits<T>): T[][];
export function splitIntoChunks<T extends TokenCounted>(data: Iterable<T>, limits?: DefaultLimits<T>): T[][];
export function splitIntoChunks<T>(data: Iterable<T>, limits: DefaultLimits<T> = {}): T[][] {
  const chunker = new Chunker(limits);
  // Most batches are one chunk, for which sums are enough.
  if (isArray(data) && data.length > 0 && chunker.holds(data)) return [data.slice()];
  const chunks: T[][] = [];
  for (const datum of data) chunks.push(...chunker.add(datum));
  return [...chunks, ...chunker.rest()];
}

/**
 * Gathers data into chunks within limits, as {@link splitIntoChunks} does.
 *
 * A chunk is emitted when it holds `maxExamples` or the next datum would not fit, the last one on completion; on an
 * error the unfinished one is dropped.
 *
 * ```
 * source  -a-b-c-d-|
 * output  ---x---y-|    maxExamples 2: x = [a, b], y = [c, d]
 * ```
 *
 * @example
 * ```ts
 * from(data)
 *   .pipe(chunkData({ maxExamples: 32 }), concatMap((chunk) => training.forwardBackward(chunk, 'cross_entropy')))
 *   .subscribe(({ metrics }) => console.log(metrics));
 * ```
 */
export function chunkData<T>(limits: ChunkLimits<T>): OperatorFunction<T, T[]>;
export function chunkData<T extends TokenCounted>(limits?: DefaultLimits<T>): OperatorFunction<T, T[]>;
export function chunkData<T>(limits: DefaultLimits<T> = {}): OperatorFunction<T, T[]> {
  return (source) =>
    defer(() => {
      const chunker = new Chunker(limits);
      return concat(
        source.pipe(mergeMap((datum) => chunker.add(datum))),
        defer(() => chunker.rest()),
      );
    });
}

/** Holds the chunk that is being filled. */
class Chunker<T> {
  private chunk: T[] = [];
  private tokens = 0;
  private bytes = 0;
  private readonly maxExamples: number;
  private readonly maxTokens: number;
  private readonly maxBytes: number;
  private readonly countTokens: (datum: T) => number;
  private readonly countBytes: (datum: T) => number;

  constructor(limits: DefaultLimits<T>) {
    const { maxExamples = 128, maxTokens = 500_000, maxBytes = Infinity, countTokens, countBytes } = limits;
    if (maxBytes !== Infinity && countBytes === undefined)
      throw invalidArgument('countBytes together with maxBytes', undefined, 'Pass a function that counts the bytes.');
    this.maxExamples = checkLimit('maxExamples', maxExamples);
    this.maxTokens = checkLimit('maxTokens', maxTokens);
    this.maxBytes = checkLimit('maxBytes', maxBytes);
    this.countTokens = countTokens ?? inputLength;
    this.countBytes = countBytes ?? (() => 0);
  }

  /** Whether all of the data are one chunk; never where a count is wrong. */
  holds(data: readonly T[]): boolean {
    if (data.length > this.maxExamples) return false;
    let tokens = 0;
    let bytes = 0;
    for (const datum of data) {
      const ownTokens = this.countTokens(datum);
      const ownBytes = this.countBytes(datum);
      if (!(ownTokens >= 0 && ownBytes >= 0)) return false;
      tokens += ownTokens;
      bytes += ownBytes;
    }
    return tokens <= this.maxTokens && bytes <= this.maxBytes;
  }

  /** Takes one datum and gives back the chunks that it finishes, in order. */
  add(datum: T): T[][] {
    const tokens = checkCount('tokens', this.countTokens(datum));
    const bytes = checkCount('bytes', this.countBytes(datum));
    const fits = this.tokens + tokens <= this.maxTokens && this.bytes + bytes <= this.maxBytes;
    const finished = fits ? [] : this.rest();
    this.chunk.push(datum);
    this.tokens += tokens;
    this.bytes += bytes;
    return this.chunk.length >= this.maxExamples ? [...finished, ...this.rest()] : finished;
  }

  /** Gives back the unfinished chunk, if there is one, and begins anew. */
  rest(): T[][] {
    const { chunk } = this;
    this.chunk = [];
    this.tokens = 0;
    this.bytes = 0;
    return chunk.length === 0 ? [] : [chunk];
  }
}

function isArray<T>(data: Iterable<T>): data is readonly T[] {
  return Array.isArray(data);
}

function inputLength(datum: unknown): number {
  if (hasInput(datum)) return datum.modelInput.length;
  throw invalidArgument('a datum with a modelInput', datum, 'Pass countTokens for data of another shape.');
}

function hasInput(datum: unknown): datum is TokenCounted {
  return typeof datum === 'object' && datum !== null && 'modelInput' in datum;
}

/** @throws TinkerError `invalid_argument` for what is no limit */
export function checkLimit(name: string, limit: number): number {
  if (limit === Infinity || (Number.isInteger(limit) && limit >= 1)) return limit;
  throw invalidArgument(`${name} to be a whole number ≥ 1`, limit);
}

function checkCount(name: string, count: number): number {
  if (count >= 0) return count;
  throw invalidArgument(`the number of ${name} of a datum to be ≥ 0`, count);
}
