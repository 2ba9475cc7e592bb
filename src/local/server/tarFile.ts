const block = 512;

/** A tar archive (POSIX ustar) of small files; names are up to 100 ASCII characters. */
export function tarFile(files: Readonly<Record<string, Uint8Array>>, milliseconds: number): Uint8Array {
  const parts = Object.entries(files).flatMap(([name, content]) => [
    header(name, content.length, Math.floor(milliseconds / 1000)),
    content,
    new Uint8Array(-content.length & (block - 1)),
  ]);
  // Two empty blocks end the archive.
  const archive = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 2 * block));
  let offset = 0;
  for (const part of parts) {
    archive.set(part, offset);
    offset += part.length;
  }
  return archive;
}

function header(name: string, size: number, seconds: number): Uint8Array {
  const bytes = new Uint8Array(block);
  const write = (offset: number, text: string): void => bytes.set(new TextEncoder().encode(text), offset);
  const octal = (offset: number, width: number, value: number): void => {
    write(offset, value.toString(8).padStart(width - 1, '0'));
  };
  write(0, name);
  octal(100, 8, 0o644);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, size);
  octal(136, 12, seconds);
  write(156, '0');
  write(257, 'ustar');
  write(263, '00');
  // The checksum counts itself as spaces.
  write(148, '        ');
  octal(
    148,
    7,
    bytes.reduce((sum, byte) => sum + byte, 0),
  );
  bytes[154] = 0;
  return bytes;
}
