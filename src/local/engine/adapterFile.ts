import { TinkerError } from '../../errors.js';
import type { EngineTensor } from './engine.js';
import type { LoraLayout, LoraMatrix } from './loraLayout.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';

const modules: Readonly<Record<string, string>> = {
  q: 'self_attn.q_proj',
  k: 'self_attn.k_proj',
  v: 'self_attn.v_proj',
  o: 'self_attn.o_proj',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
};

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
        : { data: transpose(data, rows, columns), shape: [columns, rows] };
    return [fileName(matrix), stored] as const;
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
  const names = new Set(layout.matrices.map(fileName));
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
    const data = expectTensor(tensors, fileName(matrix), shape);
    adapter.set(matrix.kind === 'A' ? data : transpose(data, columns, rows), matrix.offset);
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

function fileName({ name, kind }: LoraMatrix): string {
  const [first = '', layer = '', projection = ''] = name.split('.');
  const module = first === 'layers' ? `model.layers.${layer}.${modules[projection] ?? projection}` : 'lm_head';
  return `base_model.model.${module}.lora_${kind}.weight`;
}

function transpose(data: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column] ?? 0;
  return out;
}
