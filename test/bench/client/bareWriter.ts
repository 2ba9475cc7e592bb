/** A datum of the bare loop: its tokens are its targets, too. */
export interface BareDatum {
  readonly tokens: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

/** Bytes that are the same in each datum, and the names of the arrays between them. */
type Part = readonly number[] | 'tokens' | 'targets' | 'weights';

/**
 * Makes an encoder of a `ForwardBackwardRequest` by hand, for datums of one length: what stands between the arrays is
 * made once, and the arrays of each batch go straight to their places.
 */
export function bareWriter(
  datums: number,
  tokens: number,
): (data: readonly BareDatum[], seqId: number) => Uint8Array<ArrayBuffer> {
  const sizes = { tokens: 4 * tokens, targets: 8 * tokens, weights: 4 * tokens };
  const sizeOf = (parts: readonly Part[]): number =>
    parts.reduce((sum, part) => sum + (typeof part === 'string' ? sizes[part] : part.length), 0);
  const message = (number: number, ...parts: Part[]): Part[] => [
    [(number << 3) | 2, ...varint(sizeOf(parts))],
    ...parts,
  ];
  const tensor = (name: 'targets' | 'weights', wireName: string, dtype: number): Part[] =>
    message(
      2,
      ...message(1, ascii(wireName)),
      ...message(2, ...message(1, name), [0x18, dtype], ...message(4, varint(tokens))),
    );
  const parts = message(
    3,
    ...message(1, ...message(1, ...message(1, 'tokens'))),
    ...tensor('targets', 'target_tokens', 2),
    ...tensor('weights', 'weights', 1),
  ).map((part) => (typeof part === 'string' ? part : Uint8Array.from(part)));
  const datumSize = parts.reduce((sum, part) => sum + (typeof part === 'string' ? sizes[part] : part.length), 0);
  const first = message(1, ascii('session:train:0')).flat() as number[];
  const last = Uint8Array.from(message(4, ascii('cross_entropy')).flat() as number[]);

  return (data, seqId) => {
    const head = Uint8Array.from([...first, 0x10, ...varint(seqId)]);
    const bytes = new Uint8Array(head.length + datums * datumSize + last.length);
    const view = new DataView(bytes.buffer);
    bytes.set(head);
    let at = head.length;
    for (const datum of data) {
      for (const part of parts) {
        if (typeof part !== 'string') bytes.set(part, at);
        else if (part === 'targets') writeWide(view, at, datum.tokens);
        else if (part === 'tokens') writeNarrow(bytes, view, at, datum.tokens);
        else writeFloats(bytes, view, at, datum.weights);
        at += typeof part === 'string' ? sizes[part] : part.length;
      }
    }
    bytes.set(last, at);
    return bytes;
  };
}

function writeNarrow(bytes: Uint8Array, view: DataView, at: number, values: ArrayLike<number>): void {
  if (values instanceof Int32Array) bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
  else for (let i = 0; i < values.length; i += 1) view.setInt32(at + 4 * i, values[i] ?? 0, true);
}

function writeFloats(bytes: Uint8Array, view: DataView, at: number, values: ArrayLike<number>): void {
  if (values instanceof Float32Array)
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
  else for (let i = 0; i < values.length; i += 1) view.setFloat32(at + 4 * i, values[i] ?? 0, true);
}

function writeWide(view: DataView, at: number, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i += 1) view.setInt32(at + 8 * i, values[i] ?? 0, true);
}

const ascii = (text: string): number[] => [...Buffer.from(text, 'latin1')];

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))];
}
