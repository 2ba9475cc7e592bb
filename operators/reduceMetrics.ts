import { type OperatorFunction, filter, map, toArray } from 'rxjs';

/** Metrics by `name:reduction`, e.g. `loss:sum`. */
export type Metrics = Readonly<Record<string, number>>;

/** Metrics of one chunk, and how much they count in a weighted mean. */
export interface WeightedMetrics {
  readonly metrics: Metrics;
  /** ≥ 0; for a chunk of a batch the number of its outputs. */
  readonly weight: number;
}

/** The result of a pass over one chunk: one output a datum, in order. */
export interface PassOutput<O> {
  readonly lossFnOutputType: string;
  readonly lossFnOutputs: readonly O[];
  readonly metrics: Metrics;
}

interface Sample {
  readonly value: number;
  readonly weight: number;
}

/**
 * Reduces the metrics of several chunks to those of their batch.
 *
 * A key is split at its last `:`; what stands behind it says how its values over the chunks that have it are reduced:
 *
 * | suffix | result |
 * |---|---|
 * | `sum`, `min`, `max` | plain |
 * | `mean`, none, any other | mean by weight; the plain mean where all weights are 0 |
 * | `slack` | maximum − mean by weight |
 * | `unique` | each chunk's value for itself: the first under the key, the next under `key_1`, `key_2`, … |
 * | `hash2` | sum of the whole parts modulo 2⁶⁴, NaN if one is not finite; above 2⁵³ rounded to the nearest double |
 *
 * No key is lost. Source: the metric reduction of the Python SDK (hash2 and unique) and of the Elixir SDK (keys that
 * some chunk lacks).
 *
 * @example
 * ```ts
 * reduceMetricMaps([
 *   { metrics: { 'loss:sum': 3, 'entropy:mean': 1 }, weight: 1 },
 *   { metrics: { 'loss:sum': 5, 'entropy:mean': 2 }, weight: 3 },
 * ]); // { 'loss:sum': 8, 'entropy:mean': 1.75 }
 * ```
 */
export function reduceMetricMaps(results: readonly WeightedMetrics[]): Record<string, number> {
  const [only] = results;
  if (results.length === 1 && only !== undefined && !Object.keys(only.metrics).some(changesAlone)) {
    return { ...only.metrics };
  }
  const samplesByKey = new Map<string, Sample[]>();
  for (const { metrics, weight } of results) {
    for (const [key, value] of Object.entries(metrics)) {
      const samples = samplesByKey.get(key);
      if (samples === undefined) samplesByKey.set(key, [{ value, weight }]);
      else samples.push({ value, weight });
    }
  }
  const reduced = new Map<string, number>();
  for (const [key, samples] of samplesByKey) {
    const suffix = key.slice(key.lastIndexOf(':') + 1);
    if (key.includes(':') && suffix === 'unique') {
      for (const { value } of samples) reduced.set(freeKey(key, samplesByKey, reduced), value);
    } else {
      reduced.set(key, (key.includes(':') ? reductions.get(suffix) : undefined)?.(samples) ?? weightedMean(samples));
    }
  }
  return Object.fromEntries(reduced);
}

/**
 * Collects the results of the chunks of one batch into one: outputs in the order of arrival, metrics by
 * {@link reduceMetricMaps} with the number of outputs as weight, the type of the first.
 *
 * The source must emit in the order of the chunks. Emits once, when the source completes; an empty source stays empty.
 *
 * @example
 * ```ts
 * from(splitIntoChunks(data)).pipe(
 *   concatMap((chunk) => training.forwardBackward(chunk, 'cross_entropy')),
 *   reduceMetrics(),
 * );
 * ```
 */
export function reduceMetrics<O>(): OperatorFunction<PassOutput<O>, PassOutput<O>> {
  return (source) =>
    source.pipe(
      toArray(),
      filter((outputs) => outputs.length > 0),
      map((outputs) => ({
        lossFnOutputType: outputs[0]?.lossFnOutputType ?? '',
        lossFnOutputs: outputs.flatMap(({ lossFnOutputs }) => lossFnOutputs),
        metrics: reduceMetricMaps(
          outputs.map(({ metrics, lossFnOutputs }) => ({ metrics, weight: lossFnOutputs.length })),
        ),
      })),
    );
}

const reductions: ReadonlyMap<string, (samples: readonly Sample[]) => number> = new Map([
  ['sum', (samples: readonly Sample[]) => samples.reduce((sum, { value }) => sum + value, 0)],
  ['min', (samples: readonly Sample[]) => samples.reduce((least, { value }) => Math.min(least, value), Infinity)],
  ['max', maximum],
  ['slack', (samples: readonly Sample[]) => maximum(samples) - weightedMean(samples)],
  ['hash2', hashSum],
]);

/** Whether a metric of one chunk is not already that of the batch. */
function changesAlone(key: string): boolean {
  return key.endsWith(':slack') || key.endsWith(':hash2');
}

function maximum(samples: readonly Sample[]): number {
  return samples.reduce((most, { value }) => Math.max(most, value), -Infinity);
}

function weightedMean(samples: readonly Sample[]): number {
  const total = samples.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return samples.reduce((sum, { value }) => sum + value, 0) / samples.length;
  return samples.reduce((sum, { value, weight }) => sum + value * weight, 0) / total;
}

function hashSum(samples: readonly Sample[]): number {
  if (samples.some(({ value }) => !Number.isFinite(value))) return NaN;
  const sum = samples.reduce((total, { value }) => total + BigInt(Math.trunc(value)), 0n);
  return Number(BigInt.asUintN(64, sum));
}

/** The key itself, else the first numbered one that neither a chunk nor the result has. */
function freeKey(key: string, given: ReadonlyMap<string, unknown>, reduced: ReadonlyMap<string, unknown>): string {
  if (!reduced.has(key)) return key;
  let n = 1;
  while (given.has(`${key}_${String(n)}`) || reduced.has(`${key}_${String(n)}`)) n++;
  return `${key}_${String(n)}`;
}
