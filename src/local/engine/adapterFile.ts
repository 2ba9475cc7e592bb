import { TinkerError } from '../../errors.js';
import type { EngineTensor } from './engine.js';
import type { LoraLayout, LoraMatrix } from './loraLayout.js';
import { moduleName } from './huggingFace/moduleName.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';
import { transposed } from './transposed.js';

/**
 * An adapter as a safetensors file, with the names and the layout (A [rank, inputs], B [outputs, rank]) of Hugging
 * Face PEFT.
 */
export function writeAdapter(layout: LoraLayout, adapter: Float32Array): Uint8Array<ArrayBuffer> {
  const tensors = layout.matrices.map((matrix) => {
    const [rows, columns] = matrix.shape;
    const data = adapter.subarray(matrix.offset, matrix.offset + rows * columns);
    const stored =
      matrix.kind === 'A'
        ? { data, shape: matrix.shape }
        : { data: transposed(data, rows, columns), shape: [columns, rows] };
    return [matrixFileName(matrix), stored] as const;
  });
  return writeSafetensors({ tensors: Object.fromEntries(tensors), metadata: { format: 'pt' } });
}

/**
 * Reads what {@link writeAdapter} wrote into a flat buffer.
 *
 * @throws TinkerError `bad_request` where the file does not hold exactly the matrices of this layout.
 */
export function readAdapter(layout: LoraLayout, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const { tensors } = readSafetensors(bytes);
  const names = new Set(layout.matrices.map(matrixFileName));
  const extra = Object.keys(tensors).find((name) => !names.has(name));
  if (extra !== undefined)
    throw new TinkerError(
      'bad_request',
      `Expected weights of this adapter's form, got ${extra}, which it does not have.`,
    );
  const adapter = new Float32Array(layout.size);
  for (const matrix of layout.matrices) {
    const [rows, columns] = matrix.shape;
    const shape = matrix.kind === 'A' ? matrix.shape : [columns, rows];
    const data = expectTensor(tensors, matrixFileName(matrix), shape);
    adapter.set(matrix.kind === 'A' ? data : transposed(data, columns, rows), matrix.offset);
  }
  return adapter;
}

/**
 * The float32 tensor of this name and shape.
 *
 * @throws TinkerError `bad_request` where the file has another.
 */
export function expectTensor(
  tensors: Readonly<Record<string, EngineTensor>>,
  name: string,
  shape: readonly number[],
): Float32Array {
  const tensor = tensors[name];
  const got = tensor === undefined ? 'none' : `shape [${tensor.shape.join(', ')}]`;
  if (!(tensor?.data instanceof Float32Array) || tensor.shape.join() !== shape.join())
    throw new TinkerError(
      'bad_request',
      `Expected a float32 tensor ${name} of shape [${shape.join(', ')}], got ${got}.`,
    );
  return tensor.data;
}

/** The name of a matrix in the file. */
export function matrixFileName({ name, kind }: LoraMatrix): string {
  const projection = name.slice(0, name.lastIndexOf('.'));
  return `base_model.model.${moduleName(projection)}.lora_${kind}.weight`;
}
