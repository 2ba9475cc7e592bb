import type { EngineDatum, EngineTensor, ForwardBackwardJob } from '../../engine/engine.js';
import { bytesField, doubleField, integerField, integersField, textField } from '../../../wire/proto/readMessage.js';
import { refusal } from '../refusal.js';
import { denseTensor } from './engineTensor.js';
import { fillSparse } from './fillSparse.js';
import { MemoryBudget } from './memoryBudget.js';
import { narrowed, packedInt32, packedValues } from './packedValues.js';
import { readRequestMessage } from './readRequestMessage.js';

/** About what an example, a chunk or a tensor takes in memory beside its values. */
const PART_BYTES = 256;
const MAX_DIMENSIONS = 8;
/** Characters of a tensor's name in messages. */
const SHOWN_NAME = 64;

/** Whose pass it is and its place in the order, read alone: they come first and can be right where the rest is wrong. */
export function passIds(body: Uint8Array): { model_id: string; seq_id: number } {
  const ids = { model_id: '', seq_id: 0 };
  try {
    readRequestMessage(body, 'body', {
      1: textField((_, text) => (ids.model_id = text)),
      2: integerField((_, value) => (ids.seq_id = value)),
    });
  } catch (error) {
    if (ids.model_id === '' || ids.seq_id === 0) throw error;
  }
  return ids;
}

/** Reads a `ForwardBackwardRequest`. @throws TinkerError with status 400 or 413 that names what is wrong and where. */
export function protobufPass(body: Uint8Array): ForwardBackwardJob {
  const budget = new MemoryBudget();
  const data: EngineDatum[] = [];
  const numbers: [string, number][] = [];
  const config: [string, number | string][] = [];
  let loss = '';
  let backward = true;
  readRequestMessage(body, 'body', {
    3: bytesField((_, bytes) => data.push(readDatum(bytes, `data.${data.length}`, budget))),
    4: textField((_, text) => (loss = text)),
    5: entryField('loss_fn_config', budget, (name, bytes) => {
      let value = 0;
      readRequestMessage(bytes, 'loss_fn_config', { 2: doubleField((_, number) => (value = number)) });
      numbers.push([name, value]);
    }),
    6: integerField((_, value) => (backward = value === 0)),
    7: entryField('loss_fn_config_v2', budget, (name, bytes) => {
      const where = 'loss_fn_config_v2';
      let value: number | string = 0;
      const inner = {
        1: doubleField((_, number) => (value = number)),
        2: textField((_, text) => (value = text)),
      };
      readRequestMessage(bytes, where, {
        2: bytesField((_, given) => {
          readRequestMessage(given, where, inner);
        }),
      });
      config.push([name, value]);
    }),
  });
  // The newer map has what the older one has, and text too.
  return { data, loss, config: Object.fromEntries(config.length > 0 ? config : numbers), backward };
}

function readDatum(body: Uint8Array, where: string, budget: MemoryBudget): EngineDatum {
  budget.take(PART_BYTES, where);
  const chunks: Int32Array[] = [];
  const inputs: [string, EngineTensor][] = [];
  readRequestMessage(body, where, {
    1: bytesField((_, bytes) => {
      const place = `${where}.model_input.chunks.${chunks.length}`;
      budget.take(PART_BYTES, place);
      chunks.push(readChunk(bytes, place));
    }),
    2: entryField(`${where}.loss_fn_inputs`, budget, (name, bytes) => {
      const place = `${where}.loss_fn_inputs.${name.slice(0, SHOWN_NAME)}`;
      readRequestMessage(bytes, place, {
        2: bytesField((_, value) => inputs.push([name, readTensor(value, place, budget)])),
      });
    }),
  });
  const tokens = new Int32Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    tokens.set(chunk, offset);
    offset += chunk.length;
  }
  if (tokens.length === 0) throw refusal(400, `${where}.model_input: Expected at least one token.`);
  return { tokens, inputs: Object.fromEntries(inputs) };
}

function readChunk(body: Uint8Array, where: string): Int32Array {
  let tokens: Int32Array = new Int32Array();
  const refuse = (type: string) =>
    bytesField(() => {
      throw refusal(
        400,
        `${where}: Expected a chunk of type encoded_text, got ${JSON.stringify(type)}; the models of this server read text only.`,
      );
    });
  readRequestMessage(body, where, {
    1: bytesField((_, text) => {
      readRequestMessage(text, where, {
        1: bytesField((_, bytes) => (tokens = packedInt32(bytes, `${where}.tokens`))),
      });
    }),
    2: refuse('image'),
    3: refuse('dmel'),
  });
  const negative = tokens.findIndex((token) => token < 0);
  if (negative === -1) return tokens;
  throw refusal(400, `${where}.tokens.${negative}: Expected a token from 0 on, got ${tokens[negative]}.`);
}

function readTensor(body: Uint8Array, where: string, budget: MemoryBudget): EngineTensor {
  budget.take(PART_BYTES, where);
  const none: Uint8Array = new Uint8Array();
  const shape: number[] = [];
  let dtype = 0;
  let values = none;
  let sparse: { rows: Uint8Array; columns: Uint8Array } | undefined;
  readRequestMessage(body, where, {
    1: bytesField((_, bytes) => {
      values = bytes;
      sparse = undefined;
    }),
    2: bytesField((_, bytes) => {
      const read = { rows: none, columns: none };
      values = none;
      readRequestMessage(bytes, where, {
        1: bytesField((_, part) => (values = part)),
        2: bytesField((_, part) => (read.rows = part)),
        3: bytesField((_, part) => (read.columns = part)),
      });
      sparse = read;
    }),
    3: integerField((_, value) => (dtype = value)),
    4: integersField((_, size) => {
      if (size < 0 || shape.length === MAX_DIMENSIONS) {
        throw refusal(400, `${where}.shape: Expected up to ${MAX_DIMENSIONS} sizes from 0 on, got ${size}.`);
      }
      shape.push(size);
    }),
  });
  const data = packedValues(values, dtype, where);
  if (sparse === undefined) return denseTensor(data, shape, where);
  const rows = narrowed(sparse.rows, `${where}.sparse_crow_indices`);
  const columns = narrowed(sparse.columns, `${where}.sparse_col_indices`);
  return fillSparse({ values: data, rows, columns, shape }, where, budget);
}

/** An entry of a map: its name, and its bytes to read the value from. */
function entryField(where: string, budget: MemoryBudget, take: (name: string, bytes: Uint8Array) => void) {
  return bytesField((_, bytes) => {
    budget.take(PART_BYTES, where);
    let name = '';
    readRequestMessage(bytes, where, { 1: textField((_, text) => (name = text)) });
    take(name, bytes);
  });
}
