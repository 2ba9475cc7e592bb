import { invalidArgument } from '../../errors.js';
import type { ForwardBackwardRequest } from '../codec.js';
import { type PreparedDatum, datumBytes } from '../datum.js';
import type { ModelInputChunk } from '../modelInputChunk.js';
import type { ProvenanceSpan } from '../provenance.js';
import type { PreparedTensor } from '../preparedTensor.js';
import { DTYPE } from './dtype.js';
import { MessageWriter } from './messageWriter.js';
import { SpareMemory } from './spareMemory.js';

/** Bytes that are put aside for the names and lengths of a datum, and for all that stands around the data. */
const ROOM_FOR_NAMES = 256;

/**
 * Encodes a pass as a protobuf `ForwardBackwardRequest`, from the typed arrays of the data straight into one buffer.
 *
 * The generated code would copy every array once for each message around it; the tests hold this to its decoder.
 *
 * @param memory where the message may be put in place of new memory
 */
export function forwardBackwardRequestBytes(
  request: ForwardBackwardRequest,
  memory: SpareMemory = new SpareMemory(),
): Uint8Array<ArrayBuffer> {
  const { data } = request;
  let capacity = ROOM_FOR_NAMES;
  for (const datum of data) capacity += datumBytes(datum) + ROOM_FOR_NAMES;
  const message = new MessageWriter(memory.take(capacity));
  // Fields are written last to first. Text fits into the newer map only; older servers read the numbers from the other.
  const config = Object.entries(request.lossConfig);
  backwards(message, config, writeConfigValue);
  if (request.forwardOnly) message.integer(6, 1);
  backwards(message, config, writeConfigNumber);
  message.text(4, request.loss);
  backwards(message, data, writeDatum);
  message.integer(2, request.seqId);
  message.text(1, request.modelId);
  return message.bytesWritten();
}

function backwards<T>(message: MessageWriter, list: readonly T[], write: (message: MessageWriter, item: T) => void) {
  for (let index = list.length - 1; index >= 0; index--) write(message, list[index] as T);
}

function writeConfigValue(message: MessageWriter, [name, value]: readonly [string, number | string]): void {
  const end = message.length;
  if (typeof value === 'number') message.double(1, value);
  else message.text(2, value);
  message.nest(2, end);
  message.text(1, name);
  message.nest(7, end);
}

function writeConfigNumber(message: MessageWriter, [name, value]: readonly [string, number | string]): void {
  if (typeof value !== 'number') return;
  const end = message.length;
  message.double(2, value);
  message.text(1, name);
  message.nest(5, end);
}

function writeDatum(message: MessageWriter, { modelInput, lossFnInputs, provenance }: PreparedDatum): void {
  const end = message.length;
  if (provenance !== undefined) {
    backwards(message, provenance.targetTokens, writeTargetSpan);
    backwards(message, provenance.modelInput, writeInputSpan);
  }
  const names = Object.keys(lossFnInputs);
  for (let index = names.length - 1; index >= 0; index--) {
    const name = names[index] ?? '';
    const tensor = lossFnInputs[name];
    if (tensor !== undefined) writeLossInput(message, name, tensor);
  }
  backwards(message, modelInput.chunks, writeChunk);
  message.nest(3, end);
}

function writeLossInput(message: MessageWriter, name: string, tensor: PreparedTensor): void {
  const { dtype, shape, sparse } = tensor;
  const end = message.length;
  message.packed(4, shape);
  message.integer(3, DTYPE[dtype]);
  if (sparse === undefined) {
    writeArray(message, tensor);
  } else {
    const endOfValues = message.length;
    message.widened(3, sparse.colIndices);
    message.widened(2, sparse.crowIndices);
    writeArray(message, tensor);
    message.nest(2, endOfValues);
  }
  message.nest(2, end);
  message.text(1, name);
  message.nest(2, end);
}

function writeArray(message: MessageWriter, { data, dtype, shape }: PreparedTensor): void {
  if (data instanceof Int32Array) message.widened(1, data);
  else if (ArrayBuffer.isView(data)) message.bytes(1, data);
  else message.numbers(1, data, shape[0] ?? 0, dtype);
}

function writeChunk(message: MessageWriter, chunk: ModelInputChunk): void {
  const end = message.length;
  switch (chunk.type) {
    case 'encoded_text':
      message.bytes(1, chunk.tokens);
      message.nest(1, end);
      break;
    case 'image':
      if (chunk.expectedTokens !== undefined) message.integer(3, chunk.expectedTokens);
      message.text(2, chunk.format);
      message.bytes(1, chunk.data);
      message.nest(2, end);
      break;
    case 'dmel':
      message.bytes(1, chunk.dmel);
      message.nest(3, end);
      break;
    case 'image_asset_pointer':
      throw invalidArgument('text, images and audio in training data', 'a pointer to an image');
  }
  message.nest(1, end);
}

function writeInputSpan(message: MessageWriter, span: ProvenanceSpan): void {
  writeSpan(message, 3, span);
}

function writeTargetSpan(message: MessageWriter, span: ProvenanceSpan): void {
  writeSpan(message, 4, span);
}

function writeSpan(
  message: MessageWriter,
  field: number,
  { from, sequenceId, offset = 0, length }: ProvenanceSpan,
): void {
  const end = message.length;
  message.integer(3, length);
  message.integer(2, offset);
  message.text(1, sequenceId);
  message.nest(from === 'prompt' ? 1 : 2, end);
  message.nest(field, end);
}
