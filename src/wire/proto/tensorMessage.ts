import { type Fields, bytesField, integerField, integersField, into, messageField } from './readMessage.js';

/** A tensor as it came: its values packed by dtype, dense or sparse. */
export interface TensorMessage {
  dense: Uint8Array;
  sparse: SparseMessage | undefined;
  dtype: number;
  readonly shape: number[];
}

/** The values of a sparse tensor and where they stand, as int64. */
export interface SparseMessage {
  values: Uint8Array;
  crowIndices: Uint8Array;
  colIndices: Uint8Array;
}

/** No bytes, as a field has that was not sent. */
export const NO_BYTES = new Uint8Array();

const sparseFields: Fields<SparseMessage> = {
  1: bytesField(into('values')),
  2: bytesField(into('crowIndices')),
  3: bytesField(into('colIndices')),
};

/** The fields of a Tensor. */
export const tensorFields: Fields<TensorMessage> = {
  1: bytesField((tensor, bytes) => {
    tensor.dense = bytes;
    tensor.sparse = undefined;
  }),
  2: messageField(
    (tensor) => (tensor.sparse ??= { values: NO_BYTES, crowIndices: NO_BYTES, colIndices: NO_BYTES }),
    sparseFields,
  ),
  3: integerField(into('dtype')),
  4: integersField((tensor, size) => {
    tensor.shape.push(size);
  }),
};

/** A tensor before it is read. */
export const noTensor = (): TensorMessage => ({ dense: NO_BYTES, sparse: undefined, dtype: 0, shape: [] });
