import { TinkerError, describe } from '../errors.js';

/** A file in a tar archive; its content must be taken before the next one is asked for. */
export interface TarEntry {
  readonly name: string;
  readonly size: number;
  readonly content: AsyncIterable<Uint8Array>;
}

const block = 512;
/** Longer headers of an entry are none that an archive of weights needs. */
const longestExtension = 64 * 1024;

/**
 * Reads the files of a tar archive (POSIX ustar and pax, GNU's long names and large sizes) as its bytes come.
 *
 * @throws TinkerError `invalid_response` for links, devices and other entries that are neither files nor folders, and for
 * an archive that is damaged or ends early
 */
export async function* readTar(archive: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const bytes = new ByteReader(archive);
  let next: { name?: string; size?: number } = {};
  for (;;) {
    const header = await bytes.read(block);
    if (header.every((byte) => byte === 0)) return;
    checkSum(header);
    const type = String.fromCharCode(header[156] ?? 0);
    const size = next.size ?? numberAt(header, 124, 12);
    const name = next.name ?? nameOf(header);
    if (type === 'x' || type === 'g' || type === 'L') {
      if (size > longestExtension) throw damaged(`an entry's header has ${size} bytes`);
      const content = await bytes.read(size);
      await bytes.read(-size & (block - 1));
      if (type === 'x') next = { ...next, ...paxFields(content) };
      if (type === 'L') next = { ...next, name: textOf(content) };
      continue;
    }
    next = {};
    if (type === '5') {
      if (size !== 0) throw damaged(`the folder ${describe(name)} has a content`);
      continue;
    }
    if (type !== '0' && type !== '\0') {
      throw new TinkerError(
        'invalid_response',
        `Expected an archive of files, got ${describe(name)} of type ${describe(type)}: links and devices are not unpacked.`,
      );
    }
    let left = size;
    const content = async function* (): AsyncGenerator<Uint8Array> {
      while (left > 0) {
        const chunk = await bytes.some(left);
        left -= chunk.length;
        yield chunk;
      }
    };
    yield { name, size, content: content() };
    while (left > 0) left -= (await bytes.some(left)).length;
    await bytes.read(-size & (block - 1));
  }
}

/** Takes bytes off a stream of pieces. */
class ByteReader {
  private readonly pieces: AsyncIterator<Uint8Array>;
  private piece: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.pieces = source[Symbol.asyncIterator]();
  }

  /** At least one byte, and at most so many. */
  async some(most: number): Promise<Uint8Array> {
    while (this.piece.length === 0) {
      const next = await this.pieces.next();
      if (next.done === true) throw damaged('it ends early');
      this.piece = next.value;
    }
    const taken = this.piece.subarray(0, most);
    this.piece = this.piece.subarray(taken.length);
    return taken;
  }

  async read(length: number): Promise<Uint8Array> {
    const all = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const chunk = await this.some(length - at);
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}

/** The checksum counts itself as spaces. */
function checkSum(header: Uint8Array): void {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (sum !== numberAt(header, 148, 8)) throw damaged('the checksum of a header is wrong');
}

/** Octal digits, or with the highest bit set a number in base 256. */
function numberAt(header: Uint8Array, offset: number, width: number): number {
  const field = header.subarray(offset, offset + width);
  const [first = 0] = field;
  if (first & 0x80) {
    const value = field.subarray(1).reduce((total, byte) => total * 256 + byte, first & 0x7f);
    if (!Number.isSafeInteger(value)) throw damaged('an entry is too large');
    return value;
  }
  const digits = textOf(field).trim();
  if (!/^[0-7]*$/.test(digits)) throw damaged(`${describe(digits)} is no number`);
  return digits === '' ? 0 : parseInt(digits, 8);
}

function nameOf(header: Uint8Array): string {
  const name = textOf(header.subarray(0, 100));
  const isUstar = textOf(header.subarray(257, 263)) === 'ustar';
  const prefix = isUstar ? textOf(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Records of pax: "<length> <key>=<value>\n", the length in bytes and with itself. */
function paxFields(content: Uint8Array): { name?: string; size?: number } {
  const fields: { name?: string; size?: number } = {};
  for (let at = 0; at < content.length;) {
    const [whole, digits = ''] = /^(\d+) /.exec(new TextDecoder('latin1').decode(content.subarray(at, at + 12))) ?? [];
    const length = Number(digits);
    if (whole === undefined || length <= whole.length || at + length > content.length)
      throw damaged('a pax header is wrong');
    const record = new TextDecoder().decode(content.subarray(at + whole.length, at + length - 1));
    const split = record.indexOf('=');
    const value = record.slice(split + 1);
    if (record.startsWith('path=')) fields.name = value;
    if (record.startsWith('size=')) {
      if (!/^\d{1,15}$/.test(value)) throw damaged(`${describe(value)} is no size`);
      fields.size = Number(value);
    }
    at += length;
  }
  return fields;
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function damaged(how: string): TinkerError {
  return new TinkerError('invalid_response', `Expected a whole tar archive, but ${how}.`);
}
