import { invalidArgument } from '../../errors.js';
import type { ForwardBackwardRequest } from '../codec.js';
import type { PreparedDatum } from '../datum.js';
import type { ModelInputChunk } from '../modelInputChunk.js';
import type { ProvenanceSpan } from '../provenance.js';
import type { TensorArray, TensorData } from '../tensorData.js';
import { DTYPE } from './dtype.js';
import { MessageWriter } from './messageWriter.js';

/**
 * Encodes a pass as a protobuf `ForwardBackwardRequest`, from the typed arrays of the data straight into one buffer.
 *
 * The generated code would copy every array once for each message around it; the tests hold this to its decoder.
 */
export function forwardBackwardRequestBytes(request: ForwardBackwardRequest): Uint8Array<ArrayBuffer> {
  return MessageWriter.build((message) => {
    message.text(1, request.modelId);
    message.integer(2, request.seqId);
    for (const datum of request.data) {
      message.message(3, () => {
        writeDatum(message, datum);
      });
    }
    message.text(4, request.loss);
    const config = Object.entries(request.lossConfig);
    for (const [name, value] of config) {
      if (typeof value === 'number') writeEntry(message, 5, name, () => message.double(2, value));
    }
    if (request.forwardOnly) message.integer(6, 1);
    // Text fits into the newer map only; older servers read the numbers from the other.
    for (const [name, value] of config) {
      writeEntry(message, 7, name, () => {
        message.message(2, () => {
          if (typeof value === 'number') message.double(1, value);
          else message.text(2, value);
        });
      });
    }
  });
}

function writeDatum(message: MessageWriter, { modelInput, lossFnInputs, provenance }: PreparedDatum): void {
  for (const chunk of modelInput.chunks) {
    message.message(1, () => {
      writeChunk(message, chunk);
    });
  }
  for (const name of Object.keys(lossFnInputs)) {
    const tensor = lossFnInputs[name];
    if (tensor === undefined) continue;
    writeEntry(message, 2, name, () => {
      message.message(2, () => {
        writeTensor(message, tensor);
      });
    });
  }
  const spans = [provenance?.modelInput ?? [], provenance?.targetTokens ?? []];
  spans.forEach((list, index) => {
    for (const span of list) {
      message.message(3 + index, () => {
        writeSpan(message, span);
      });
    }
  });
}

function writeChunk(message: MessageWriter, chunk: ModelInputChunk): void {
  switch (chunk.type) {
    case 'encoded_text':
      message.message(1, () => message.bytes(1, chunk.tokens));
      return;
    case 'image':
      message.message(2, () => {
        message.bytes(1, chunk.data);
        message.text(2, chunk.format);
        if (chunk.expectedTokens !== undefined) message.integer(3, chunk.expectedTokens);
      });
      return;
    case 'dmel':
      message.message(3, () => message.bytes(1, chunk.dmel));
      return;
    case 'image_asset_pointer':
      throw invalidArgument('text, images and audio in training data', 'a pointer to an image');
  }
}

function writeSpan(message: MessageWriter, { from, sequenceId, offset = 0, length }: ProvenanceSpan): void {
  message.message(from === 'prompt' ? 1 : 2, () => {
    message.text(1, sequenceId);
    message.integer(2, offset);
    message.integer(3, length);
  });
}

function writeTensor(message: MessageWriter, { data, dtype, shape, sparse }: TensorData): void {
  if (sparse === undefined) {
    writeArray(message, 1, data);
  } else {
    message.message(2, () => {
      writeArray(message, 1, data);
      message.widened(2, sparse.crowIndices);
      message.widened(3, sparse.colIndices);
    });
  }
  message.integer(3, DTYPE[dtype]);
  message.packed(4, shape);
}

function writeArray(message: MessageWriter, field: number, data: TensorArray): void {
  if (data instanceof Int32Array) message.widened(field, data);
  else message.bytes(field, data);
}

function writeEntry(message: MessageWriter, field: number, name: string, writeValue: () => void): void {
  message.message(field, () => {
    message.text(1, name);
    writeValue();
  });
}
