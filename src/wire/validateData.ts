import { describe, invalidArgument, TinkerError } from '../errors.js';
import type { Datum, PreparedDatum } from './datum.js';
import { hasNegative } from './hasNegative.js';
import { lossInputDtypes, lossInputWireName, requiredLossInputs } from './lossInputs.js';
import { checkLossName, type LossName } from './lossName.js';
import { ModelInput } from './modelInput.js';
import type { ModelInputChunk } from './modelInputChunk.js';
import { type PreparedTensor, prepareTensor } from './preparedTensor.js';
import { checkProvenance } from './provenance.js';
import { TensorData } from './tensorData.js';
import type { TensorInput } from './toTensorData.js';

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
  return data.map((datum: Datum, index) => prepare(datum, loss, index));
}

function prepare(datum: Datum, loss: LossName, index: number): PreparedDatum {
  const { provenance } = datum;
  const prepared = prepareInputs(datum, loss, index);
  if (provenance === undefined) return prepared;
  const targets = prepared.lossFnInputs.target_tokens?.shape;
  const lengths = {
    modelInput: prepared.modelInput.length,
    targetTokens: targets?.length === 1 ? targets[0] : undefined,
  };
  checkProvenance(provenance, lengths, `data[${index}].provenance`);
  return { ...prepared, provenance };
}

function prepareInputs({ modelInput, lossFnInputs = {} }: Datum, loss: LossName, index: number): PreparedDatum {
  if (!(modelInput instanceof ModelInput)) {
    throw invalidArgument(
      `a ModelInput in data[${index}].modelInput`,
      modelInput,
      'Make one by ModelInput.fromTokens.',
    );
  }
  checkChunks(modelInput, index);
  const names = Object.keys(lossFnInputs);
  if (names.length === 0 && loss === 'cross_entropy') return nextTokenDatum(modelInput, index);
  if (modelInput.length === 0) throw invalidArgument(`at least one token in data[${index}].modelInput`, 'none');
  const inputs: Record<string, PreparedTensor> = {};
  for (const name of names) {
    const input = lossFnInputs[name] as TensorInput;
    const wireName = lossInputWireName(name);
    if (wireName in inputs) {
      throw invalidArgument(`${wireName} once in data[${index}].lossFnInputs`, `${name} as well`);
    }
    inputs[wireName] = prepareTensor(input, lossInputDtypes[wireName], () => `data[${index}].lossFnInputs.${name}`);
  }
  checkInputs(inputs, modelInput.length, loss, index);
  return { modelInput, lossFnInputs: inputs };
}

function checkChunks({ chunks }: ModelInput, index: number): void {
  const pointer = chunks.findIndex(isPointer);
  if (pointer === -1) return;
  throw invalidArgument(
    `text, images and audio in data[${index}].modelInput.chunks`,
    `a pointer to an image at ${pointer}`,
    'Pointers are for prompts of samples; give the image itself.',
  );
}

const isPointer = ({ type }: ModelInputChunk): boolean => type === 'image_asset_pointer';

function checkInputs(
  inputs: Readonly<Record<string, PreparedTensor>>,
  length: number,
  loss: LossName,
  index: number,
): void {
  const required: readonly string[] = requiredLossInputs[loss];
  for (const name of required) if (!(name in inputs)) throw missingInputs(inputs, required, loss, index);
  const targets = inputs.target_tokens;
  if (targets === undefined) return;
  checkTargets(targets, length, index);
  for (const name in inputs) {
    const shape = inputs[name]?.shape ?? [];
    if (name in lossInputDtypes && !isSame(shape, targets.shape)) {
      throw invalidArgument(
        `${name} in data[${index}].lossFnInputs of shape [${targets.shape.join(', ')}] like target_tokens`,
        `[${shape.join(', ')}]`,
      );
    }
  }
}

function missingInputs(inputs: object, required: readonly string[], loss: LossName, index: number): TinkerError {
  const given = Object.keys(inputs);
  const missing = required.filter((name) => !(name in inputs));
  return new TinkerError(
    'invalid_argument',
    `Expected ${required.join(', ')} in data[${index}].lossFnInputs for ${loss}, ` +
      `got ${given.length === 0 ? 'none' : given.join(', ')}; missing: ${missing.join(', ')}.`,
  );
}

function checkTargets({ data, shape }: PreparedTensor, length: number, index: number): void {
  if (shape[0] !== length) {
    throw invalidArgument(
      `as many target_tokens in data[${index}].lossFnInputs as modelInput has tokens (${String(length)})`,
      shape[0] ?? 'a scalar',
    );
  }
  if (!(data instanceof BigInt64Array) && !hasNegative(data)) return;
  for (let position = 0; position < data.length; position++) {
    const token = Number(data[position]);
    if (token < 0 || token > 0x7fffffff) {
      throw new TinkerError(
        'invalid_argument',
        `Expected integers from 0 to 2147483647 in data[${index}].lossFnInputs.target_tokens, ` +
          `got ${describe(token)} at position ${String(position)}.`,
      );
    }
  }
}

function isSame(shape: readonly number[], other: readonly number[]): boolean {
  if (shape.length !== other.length) return false;
  for (let dimension = 0; dimension < shape.length; dimension++) {
    if (shape[dimension] !== other[dimension]) return false;
  }
  return true;
}

function nextTokenDatum(modelInput: ModelInput, index: number): PreparedDatum {
  const tokens = modelInput.tokens();
  const length = tokens.length - 1;
  if (length < 1) {
    throw invalidArgument(`at least 2 tokens in data[${index}].modelInput for next-token training`, tokens.length);
  }
  return {
    modelInput: new ModelInput([{ type: 'encoded_text', tokens: tokens.subarray(0, length) }]),
    lossFnInputs: {
      target_tokens: new TensorData(tokens.subarray(1)),
      weights: new TensorData(new Float32Array(length).fill(1)),
    },
  };
}
