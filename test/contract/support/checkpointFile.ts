import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The file of a checkpoint's weights or optimizer in the data directory of an embedded server. */
export async function checkpointFile(directory: string, path: string, part: 'adapter' | 'optimizer'): Promise<string> {
  const [run = '', kind = '', name = ''] = path.replace('tinker://', '').split('/').map(encodeURIComponent);
  const files = await readdir(directory, { recursive: true });
  const found = files.filter((file) => {
    const parts = decodeURIComponent(file).split(/[\\/]/);
    const inFolder = [run, kind, name].every((piece) => parts.includes(decodeURIComponent(piece)));
    return inFolder && parts.at(-1)?.startsWith(part) === true;
  });
  const [file, ...others] = found;
  if (file !== undefined && others.length === 0) return join(directory, file);
  throw new Error(`Expected one file of ${path}, got ${found.join(', ')}`);
}
