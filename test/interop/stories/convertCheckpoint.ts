import { type WritableTensor, writeSafetensors } from '../../../src/local/engine/safetensors.js';

/** Sizes that the header of a checkpoint of llama2.c names. */
export interface Llama2Sizes {
  readonly hiddenSize: number;
  readonly ffnSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabularySize: number;
  readonly contextLength: number;
}

const headerBytes = 28;

/**
 * A checkpoint of llama2.c (its first format: 7 int32 sizes, then float32 weights of all layers, kind by kind, the
 * embedding for both ends) as the model.safetensors of a Hugging Face checkpoint.
 */
export function convertCheckpoint(bytes: Uint8Array): { readonly sizes: Llama2Sizes; readonly weights: Uint8Array } {
  const header = new Int32Array(copyOf(bytes.subarray(0, headerBytes)));
  const [hiddenSize = 0, ffnSize = 0, layers = 0, heads = 0, kvHeads = 0, vocabularySize = 0, contextLength = 0] =
    header;
  if (vocabularySize <= 0) throw new Error('Expected a checkpoint with one embedding for both ends.');
  const values = new Float32Array(copyOf(bytes.subarray(headerBytes)));
  let offset = 0;
  const take = (shape: readonly number[]): WritableTensor => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    offset += size;
    if (offset > values.length)
      throw new Error(`Expected more than ${String(values.length)} numbers behind the sizes that the header names.`);
    return { data: values.subarray(offset - size, offset), shape };
  };
  const tensors: Record<string, WritableTensor> = {};
  const takeLayers = (part: string, shape: readonly number[], change = (tensor: WritableTensor) => tensor): void => {
    for (let layer = 0; layer < layers; layer++)
      tensors[`model.layers.${String(layer)}.${part}.weight`] = change(take(shape));
  };
  const headDim = hiddenSize / heads;
  const [d, f, kv] = [hiddenSize, ffnSize, kvHeads * headDim];
  const turned = (tensor: WritableTensor): WritableTensor => halvesForm(tensor, headDim);
  tensors['model.embed_tokens.weight'] = take([vocabularySize, d]);
  takeLayers('input_layernorm', [d]);
  takeLayers('self_attn.q_proj', [d, d], turned);
  takeLayers('self_attn.k_proj', [kv, d], turned);
  takeLayers('self_attn.v_proj', [kv, d]);
  takeLayers('self_attn.o_proj', [d, d]);
  takeLayers('post_attention_layernorm', [d]);
  takeLayers('mlp.gate_proj', [f, d]);
  takeLayers('mlp.down_proj', [d, f]);
  takeLayers('mlp.up_proj', [f, d]);
  tensors['model.norm.weight'] = take([d]);
  const angles = contextLength * headDim;
  if (offset + angles !== values.length)
    throw new Error(`Expected ${String(offset + angles)} numbers, got ${String(values.length)}.`);
  const sizes = { hiddenSize, ffnSize, layers, heads, kvHeads, vocabularySize, contextLength };
  return { sizes, weights: writeSafetensors({ tensors, metadata: { format: 'pt' } }) };
}

/** The bytes at the start of a buffer; slice of Node's Buffer is a view. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** llama2.c rotates rows 2i and 2i + 1 of a head together, Hugging Face rows i and i + half. */
function halvesForm({ data, shape }: WritableTensor, headDim: number): WritableTensor {
  const [rows = 0, columns = 0] = shape;
  const half = headDim / 2;
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const place = row % headDim;
    const from = row - place + (place < half ? 2 * place : 2 * (place - half) + 1);
    out.set(data.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return { data: out, shape };
}
