import type { TinkerError } from '../../errors.js';
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
  const [first] = fields.values();
  const count = numDatums || (first === undefined ? 0 : datumsIn(first));
  if (fields.size === 0 && count > MAX_EMPTY_DATUMS) throw invalidMessage(`${count} datums without any field`);
  for (const [name, batch] of fields) {
    const found = datumsIn(batch);
    if (found !== count) throw invalidMessage(`expected ${name} of ${count} datums, got ${found}`);
  }
  const records: Record<string, TensorData>[] = [];
  while (records.length < count) records.push({});
  for (const [name, batch] of fields) addTensors(records, name, batch);
  return records;
}

/** A record may say how many datums there are without giving a byte for them. */
const MAX_EMPTY_DATUMS = 1_000_000;

/** There is an offset of 64 bits for the start of each datum, and one for the end of the last. */
const datumsIn = ({ offsets }: BatchMessage): number => Math.max(0, offsets.length / 8 - 1);

function addTensors(records: readonly Record<string, TensorData>[], name: string, batch: BatchMessage): void {
  const { data, itemSize } = packedArray(batch.data, batch.dtype, name);
  const integers = integersOf(batch.offsets, `the offsets of ${name}`);
  const offsets = integers instanceof Int32Array ? integers : Float64Array.from(integers, Number);
  const trailing = batch.trailingShape;
  const rowSize = trailing.reduce((product, size) => product * size, 1);
  records.forEach((record, datum) => {
    const start = (offsets[datum] ?? NaN) / itemSize;
    const end = (offsets[datum + 1] ?? NaN) / itemSize;
    const rows = rowSize === 0 ? 0 : (end - start) / rowSize;
    const fits = Number.isInteger(start) && start >= 0 && end <= data.length;
    if (!fits || !Number.isInteger(rows) || rows < 0 || rows * rowSize !== end - start) {
      throw wrongRows(`[${trailing.join(', ')}] within ${data.length} values of ${name}`, start, end, datum);
    }
    record[name] = new TensorData(data.subarray(start, end), trailing.length === 0 ? [rows] : [rows, ...trailing]);
  });
}

function wrongRows(expected: string, start: number, end: number, datum: number): TinkerError {
  return invalidMessage(`expected rows of ${expected}, got values ${start} to ${end} for datum ${datum}`);
}
