import { TinkerError } from '../../../errors.js';
import type { NamedWeight } from '../baseModel.js';
import type { DecoderConfig } from '../decoderConfig.js';
import { weightShapes } from '../model.js';
import { transposed } from '../transposed.js';
import { moduleName } from './moduleName.js';
import { StoredWeights } from './storedWeights.js';

/**
 * The weights of a Hugging Face checkpoint by graph input, in float32, one after another.
 *
 * @throws TinkerError `invalid_config` where one is missing or of another shape than the configuration says.
 */
export function* readWeights(directory: string, config: DecoderConfig): Iterable<NamedWeight> {
  const stored = new StoredWeights(directory);
  checkShapes(stored, config);
  for (const [name, shape] of Object.entries(weightShapes(config))) {
    const { data } = stored.read(storedName(name));
    if (!(data instanceof Float32Array))
      throw new TinkerError('invalid_config', `Expected floating-point numbers as ${storedName(name)}, got integers.`);
    const [rows = 1, columns = 1] = shape;
    yield [name, { data: isLinear(name, shape) ? transposed(data, columns, rows) : data, shape }];
  }
}

/**
 * Compares the shapes that the files' headers give with the configuration's.
 *
 * @throws TinkerError `invalid_config` for the first that is missing or different.
 */
export function checkShapes(stored: StoredWeights, config: DecoderConfig): void {
  for (const [name, shape] of Object.entries(weightShapes(config))) {
    const expected = isLinear(name, shape) ? shape.toReversed() : shape;
    const got = stored.shape(storedName(name));
    if (got.join() !== expected.join())
      throw new TinkerError(
        'invalid_config',
        `Expected ${storedName(name)} of shape [${expected.join(', ')}] as config.json says, got [${got.join(', ')}].`,
      );
  }
}

/** Whether a weight is a linear map of a layer, which Hugging Face keeps as [outputs, inputs]. */
export function isLinear(name: string, shape: readonly number[]): boolean {
  return shape.length === 2 && name.startsWith('layers.');
}

/** The name of a weight in a checkpoint's files. */
export function storedName(name: string): string {
  return name.endsWith('.bias') ? `${moduleName(name)}.bias` : `${moduleName(name)}.weight`;
}
