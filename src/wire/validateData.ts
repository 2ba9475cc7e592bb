import { describe, invalidArgument, TinkerError } from '../errors.js';
import type { Datum, PreparedDatum } from './datum.js';
import { hasNegative } from './hasNegative.js';
import { lossInputDtypes, lossInputWireName, requiredLossInputs } from './lossInputs.js';
import { checkLossName, type LossName } from './lossName.js';
import { ModelInput } from './modelInput.js';
import { checkProvenance } from './provenance.js';
import { TensorData } from './tensorData.js';
import { toTensorData } from './toTensorData.js';

/**
 * Checks training data and brings it into wire form, without copying typed arrays.
 *
 * Under cross_entropy a datum with no loss inputs at all means next-token training on its n tokens: input
 * tokens[0…n−1), targets tokens[1…n), weights 1. Any other datum needs every input of its loss; weights too, so that
 * no prompt is trained on by oversight.
 *
 * @throws TinkerError `invalid_argument`, naming datum and input
 */
export function validateData(data: readonly Datum[], loss: string): PreparedDatum[] {
  checkLossName(loss);
  if (!Array.isArray(data) || data.length === 0) throw invalidArgument('data as a non-empty array of datums', data);
  return data.map((datum: Datum, index) => prepare(datum, loss, `data[${String(index)}]`));
}

function prepare(datum: Datum, loss: LossName, path: string): PreparedDatum {
  const { provenance } = datum;
  const prepared = prepareInputs(datum, loss, path);
  if (provenance === undefined) return prepared;
  const targets = prepared.lossFnInputs.target_tokens?.shape;
  const lengths = {
    modelInput: prepared.modelInput.length,
    targetTokens: targets?.length === 1 ? targets[0] : undefined,
  };
  checkProvenance(provenance, lengths, `${path}.provenance`);
  return { ...prepared, provenance };
}

function prepareInputs({ modelInput, lossFnInputs = {} }: Datum, loss: LossName, path: string): PreparedDatum {
  if (!(modelInput instanceof ModelInput)) {
    throw invalidArgument(`a ModelInput in ${path}.modelInput`, modelInput, 'Make one by ModelInput.fromTokens.');
  }
  const pointer = modelInput.chunks.findIndex(({ type }) => type === 'image_asset_pointer');
  if (pointer !== -1) {
    throw invalidArgument(
      `text, images and audio in ${path}.modelInput.chunks`,
      `a pointer to an image at ${pointer}`,
      'Pointers are for prompts of samples; give the image itself.',
    );
  }
  if (Object.keys(lossFnInputs).length === 0 && loss === 'cross_entropy') return nextTokenDatum(modelInput, path);
  if (modelInput.length === 0) throw invalidArgument(`at least one token in ${path}.modelInput`, 'none');
  const inputs: Record<string, TensorData> = {};
  for (const [name, input] of Object.entries(lossFnInputs)) {
    const wireName = lossInputWireName(name);
    const place = `${path}.lossFnInputs.${name}`;
    if (wireName in inputs) throw invalidArgument(`${wireName} once in ${path}.lossFnInputs`, `${name} as well`);
    inputs[wireName] = toTensorData(input, lossInputDtypes[wireName], place);
  }
  checkInputs(inputs, modelInput.length, loss, path);
  return { modelInput, lossFnInputs: inputs };
}

function checkInputs(inputs: Readonly<Record<string, TensorData>>, length: number, loss: LossName, path: string): void {
  const missing = requiredLossInputs[loss].filter((name) => !(name in inputs));
  if (missing.length > 0) {
    const given = Object.keys(inputs);
    throw new TinkerError(
      'invalid_argument',
      `Expected ${requiredLossInputs[loss].join(', ')} in ${path}.lossFnInputs for ${loss}, ` +
        `got ${given.length === 0 ? 'none' : given.join(', ')}; missing: ${missing.join(', ')}.`,
    );
  }
  const targets = inputs.target_tokens;
  if (targets === undefined) return;
  checkTargets(targets, length, path);
  for (const [name, { shape }] of Object.entries(inputs)) {
    if (name in lossInputDtypes && !isSame(shape, targets.shape)) {
      throw invalidArgument(
        `${name} in ${path}.lossFnInputs of shape [${targets.shape.join(', ')}] like target_tokens`,
        `[${shape.join(', ')}]`,
      );
    }
  }
}

function checkTargets({ data, shape }: TensorData, length: number, path: string): void {
  if (shape[0] !== length) {
    throw invalidArgument(
      `as many target_tokens in ${path}.lossFnInputs as modelInput has tokens (${String(length)})`,
      shape[0] ?? 'a scalar',
    );
  }
  if (data instanceof Int32Array && !hasNegative(data)) return;
  for (let position = 0; position < data.length; position++) {
    const token = Number(data[position]);
    if (token < 0 || token > 0x7fffffff) {
      throw new TinkerError(
        'invalid_argument',
        `Expected integers from 0 to 2147483647 in ${path}.lossFnInputs.target_tokens, ` +
          `got ${describe(token)} at position ${String(position)}.`,
      );
    }
  }
}

function isSame(shape: readonly number[], other: readonly number[]): boolean {
  return shape.length === other.length && shape.every((size, dimension) => size === other[dimension]);
}

function nextTokenDatum(modelInput: ModelInput, path: string): PreparedDatum {
  const tokens = modelInput.tokens();
  const length = tokens.length - 1;
  if (length < 1) {
    throw invalidArgument(`at least 2 tokens in ${path}.modelInput for next-token training`, tokens.length);
  }
  return {
    modelInput: new ModelInput([{ type: 'encoded_text', tokens: tokens.subarray(0, length) }]),
    lossFnInputs: {
      target_tokens: new TensorData(tokens.subarray(1)),
      weights: new TensorData(new Float32Array(length).fill(1)),
    },
  };
}
