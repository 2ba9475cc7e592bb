import { TinkerError } from '../../errors.js';
import type { DecoderConfig } from './decoderConfig.js';
import { toFloat16 } from './float16.js';
import { weightShapes } from './model.js';
import type { RuntimeInputs, StoredInput, StoredPrecision } from './runtime.js';
import { float16ToFloat32 } from './storedNumbers.js';

/** How the frozen weights are kept in memory; all passes compute in float32. */
export type Precision = 'float32' | StoredPrecision;

/** What a weight lost on its way into memory. */
export interface PrecisionLoss {
  /** Root of the mean of squared differences, as a share of the weights' own. */
  readonly relative: number;
  readonly bytes: number;
}

const precisions = ['float32', 'float16', 'int8'] as const;
const bytesOf = { float32: 4, float16: 2, int8: 1 } as const;
const largestFloat16 = 65_504;
const largestInt8 = 127;
/** Share of the free memory that weights may take where the precision is chosen by itself: passes need the rest. */
const shareOfWeights = 0.5;

/** Bytes that a base model's weights take. */
export function weightBytes(config: DecoderConfig, precision: Precision): number {
  return Object.values(weightShapes(config)).reduce((total, shape) => {
    const size = shape.reduce((product, part) => product * part, 1);
    return total + size * (shape.length > 1 ? bytesOf[precision] : 4);
  }, 0);
}

/**
 * The precision to load a base model in: the one asked for, or the highest whose weights leave room for passes.
 *
 * @throws TinkerError `invalid_config` with the numbers where the weights do not fit.
 */
export function choosePrecision(
  name: string,
  config: DecoderConfig,
  wanted: Precision | 'auto',
  free: number,
  possible: readonly Precision[] = precisions,
): Precision {
  if (wanted !== 'auto' && !possible.includes(wanted))
    throw new TinkerError(
      'invalid_config',
      `Expected a precision of weights that the runtime can use here, ${possible.join(' or ')}, got ${wanted}.`,
    );
  const candidates = wanted === 'auto' ? possible : [wanted];
  const roomy = candidates.find((precision) => weightBytes(config, precision) <= free * shareOfWeights);
  const last = candidates.at(-1) ?? 'float32';
  if (roomy !== undefined) return roomy;
  if (weightBytes(config, last) <= free) return last;
  throw new TinkerError(
    'invalid_config',
    `Expected room for the weights of ${name}, which take ${megabytes(weightBytes(config, last))} in ${last}, got ${megabytes(free)} of free memory. Take a smaller model${last === 'int8' ? '' : ', a lower precision'} or free memory.`,
  );
}

/** Bytes in words. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

/** A matrix in a precision; norms and biases, and what float16 can't hold, stay as they are. */
export function store(
  name: string,
  values: Float32Array,
  shape: readonly number[],
  precision: Precision,
): RuntimeInputs {
  if (precision === 'float32' || shape.length < 2) return { [name]: { data: values, shape } };
  if (precision === 'int8') return storeInt8(name, values, shape);
  if (values.some((value) => Math.abs(value) > largestFloat16)) return { [name]: { data: values, shape } };
  return { [name]: { type: 'float16', data: toFloat16(values), shape } };
}

/** The input that holds the scales of an int8 matrix. */
export function scaleName(name: string): string {
  return `${name}.scale`;
}

/** Which axis of a matrix has scales of its own: the outputs of a linear map [inputs, outputs], a table's rows. */
export function scaleAxis(name: string): 0 | 1 {
  return name.startsWith('layers.') ? 1 : 0;
}

/** Symmetric: each output of a linear map, each row of a table, is scaled so that its largest number is ±127. */
function storeInt8(name: string, values: Float32Array, shape: readonly number[]): RuntimeInputs {
  const [rows = 1, columns = 1] = shape;
  const axis = scaleAxis(name);
  const scales = new Float32Array(axis === 0 ? rows : columns);
  const at = (index: number): number => (axis === 0 ? Math.floor(index / columns) : index % columns);
  for (let i = 0; i < values.length; i++)
    scales[at(i)] = Math.max(scales[at(i)] ?? 0, Math.abs(values[i] ?? 0) / largestInt8);
  for (let i = 0; i < scales.length; i++) if (scales[i] === 0) scales[i] = 1;
  const data = new Int8Array(values.length);
  for (let i = 0; i < data.length; i++) data[i] = Math.round((values[i] ?? 0) / (scales[at(i)] ?? 1));
  return { [name]: { type: 'int8', data, shape }, [scaleName(name)]: { data: scales, shape: [scales.length] } };
}

/** Sums of squares of a weight and of what it lost in memory. */
export function lossOf(name: string, values: Float32Array, stored: RuntimeInputs): { lost: number; all: number } {
  const read = reader(name, stored);
  let [lost, all] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    lost += (value - read(i)) ** 2;
    all += value ** 2;
  }
  return { lost, all };
}

function reader(name: string, stored: RuntimeInputs): (index: number) => number {
  const tensor: StoredInput | undefined = stored[name];
  if (tensor === undefined) return () => 0;
  const { data, shape } = tensor;
  if (data instanceof Uint16Array) {
    const wide = float16ToFloat32(data);
    return (index) => wide[index] ?? 0;
  }
  if (!(data instanceof Int8Array)) return (index) => data[index] ?? 0;
  const scales = stored[scaleName(name)]?.data ?? [];
  const columns = shape[1] ?? 1;
  const axis = scaleAxis(name);
  return (index) => (data[index] ?? 0) * (scales[axis === 0 ? Math.floor(index / columns) : index % columns] ?? 1);
}
