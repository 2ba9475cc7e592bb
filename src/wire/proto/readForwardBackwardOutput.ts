import type { ForwardBackwardOutput } from '../forwardBackwardOutput.js';
import { TensorData } from '../tensorData.js';
import { integersOf, invalidMessage, messageOf, packedArray } from './packedArrays.js';
import { type BatchMessage, type RecordMessage, passMessage } from './passMessage.js';

/**
 * Decodes the protobuf result of a pass; float32 outputs of a batch stay in the answer's memory where it is aligned.
 *
 * @throws TinkerError `invalid_response`, naming what is wrong
 */
export function readForwardBackwardOutput(bytes: Uint8Array): ForwardBackwardOutput {
  const message = messageOf('ForwardBackwardOutput', passMessage, bytes);
  // Some servers put a module's name before that of the type.
  const type = message.lossFnOutputType.replace(/^.*:/, '');
  return {
    lossFnOutputType: type === '' ? 'ArrayRecord' : type,
    lossFnOutputs: message.lossFnOutputs.flatMap(datumsOf),
    metrics: Object.fromEntries(message.metrics),
  };
}

function datumsOf({ fields, numDatums }: RecordMessage): Record<string, TensorData>[] {
  const columns = Array.from(fields, ([name, batch]): [string, TensorData[]] => [name, tensorsOf(batch, name)]);
  const count = numDatums || (columns[0]?.[1].length ?? 0);
  for (const [name, tensors] of columns) {
    if (tensors.length !== count) {
      throw invalidMessage(`expected ${name} of ${count} datums, got ${tensors.length}`);
    }
  }
  if (columns.length === 0 && count > MAX_EMPTY_DATUMS) throw invalidMessage(`${count} datums without any field`);
  const records: Record<string, TensorData>[] = [];
  for (let datum = 0; datum < count; datum++) {
    const record: Record<string, TensorData> = {};
    for (const [name, tensors] of columns) {
      const tensor = tensors[datum];
      if (tensor !== undefined) record[name] = tensor;
    }
    records.push(record);
  }
  return records;
}

/** A record may say how many datums there are without giving a byte for them. */
const MAX_EMPTY_DATUMS = 1_000_000;

function tensorsOf(batch: BatchMessage, name: string): TensorData[] {
  const { data, itemSize } = packedArray(batch.data, batch.dtype, name);
  const offsets = integersOf(batch.offsets, `the offsets of ${name}`);
  const trailing = batch.trailingShape;
  const rowSize = trailing.reduce((product, size) => product * size, 1);
  const tensors: TensorData[] = [];
  for (let datum = 0; datum + 1 < offsets.length; datum++) {
    const start = Number(offsets[datum]) / itemSize;
    const end = Number(offsets[datum + 1]) / itemSize;
    const rows = rowSize === 0 ? 0 : (end - start) / rowSize;
    const fits = Number.isInteger(start) && start >= 0 && end <= data.length;
    if (!fits || !Number.isInteger(rows) || rows < 0 || rows * rowSize !== end - start) {
      throw invalidMessage(
        `expected rows of [${trailing.join(', ')}] within ${data.length} values of ${name}, ` +
          `got values ${start} to ${end} for datum ${datum}`,
      );
    }
    tensors.push(new TensorData(data.subarray(start, end), [rows, ...trailing]));
  }
  return tensors;
}
