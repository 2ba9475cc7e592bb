/** Compression by zstd, ready to use. */
export interface Zstd {
  readonly compress: (bytes: Uint8Array) => Uint8Array<ArrayBuffer>;
  /**
   * Decompresses one frame of at most `maxBytes` of content; nothing larger is ever allocated.
   *
   * @throws RangeError for more content, Error for bytes that are no such frame
   */
  readonly decompress: (bytes: Uint8Array, maxBytes: number) => Uint8Array;
}

let loading: Promise<Zstd> | undefined;

/** Loads zstd at the first use: most sessions never need it. */
export function loadZstd(): Promise<Zstd> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Zstd> {
  const zstd = await import('@bokuweb/zstd-wasm');
  await zstd.init();
  return {
    compress: (bytes) => new Uint8Array(zstd.compress(bytes)),
    decompress: (bytes, maxBytes) => {
      // The library allocates what the frame declares, whatever that is, so it is read here first.
      const declared = declaredSize(bytes);
      if (declared !== undefined && declared > maxBytes) {
        throw new RangeError(`Expected at most ${maxBytes} bytes of content, got a frame that declares ${declared}.`);
      }
      return zstd.decompress(bytes, { defaultHeapSize: maxBytes });
    },
  };
}

/** The content's size by the header of a frame, where it tells. Layout: RFC 8878, section 3.1.1.1. */
function declaredSize(bytes: Uint8Array): number | undefined {
  // A header takes 18 bytes at most; what is missing of a short frame reads as zeros.
  const header = new Uint8Array(18);
  header.set(bytes.subarray(0, header.length));
  const view = new DataView(header.buffer);
  if (view.getUint32(0, true) !== 0xfd2fb528) throw new Error('Expected a zstd frame, got other bytes.');
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? view.getUint8(at) : undefined;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}
