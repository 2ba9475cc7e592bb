import {
  type Fields,
  bytesField,
  doubleField,
  entryField,
  integerField,
  integersField,
  messageField,
  readMessage,
  textField,
  into,
} from './readMessage.js';
import { NO_BYTES } from './tensorMessage.js';

/** A ForwardBackwardOutput as it came. */
export interface PassMessage {
  lossFnOutputType: string;
  readonly lossFnOutputs: RecordMessage[];
  readonly metrics: Map<string, number>;
}

/** The outputs of several datums, by name. */
export interface RecordMessage {
  readonly fields: Map<string, BatchMessage>;
  numDatums: number;
}

/** The tensors of several datums, one after another. */
export interface BatchMessage {
  data: Uint8Array;
  offsets: Uint8Array;
  dtype: number;
  readonly trailingShape: number[];
}

const emptyBatch = (): BatchMessage => ({ data: NO_BYTES, offsets: NO_BYTES, dtype: 0, trailingShape: [] });

const batchFields: Fields<BatchMessage> = {
  1: bytesField(into('data')),
  2: bytesField(into('offsets')),
  3: integerField(into('dtype')),
  4: integersField((batch, size) => {
    batch.trailingShape.push(size);
  }),
};

const recordFields: Fields<RecordMessage> = {
  2: entryField(
    emptyBatch,
    () => messageField(({ value }) => value, batchFields),
    (record, name, batch) => record.fields.set(name, batch),
  ),
  3: integerField(into('numDatums')),
};

const passFields: Fields<PassMessage> = {
  1: textField(into('lossFnOutputType')),
  2: messageField(
    (): RecordMessage => ({ fields: new Map(), numDatums: 0 }),
    recordFields,
    (pass, record) => {
      pass.lossFnOutputs.push(record);
    },
  ),
  3: entryField(
    () => 0,
    doubleField,
    (pass, name, value) => pass.metrics.set(name, value),
  ),
};

/** Reads a ForwardBackwardOutput. @throws Error for bytes that are none */
export function passMessage(bytes: Uint8Array): PassMessage {
  return readMessage(bytes, { lossFnOutputType: '', lossFnOutputs: [], metrics: new Map() }, passFields);
}
