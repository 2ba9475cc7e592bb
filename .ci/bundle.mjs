// Puts the modules of the package into few files for Node, where hundreds of small ones take long to load.
import fs from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';

/** Reads compiled files with their maps; those that find others by their own place go on to find them there. */
const readCompiled = (folder) => ({
  name: 'read-compiled',
  load(file) {
    const place = path.relative(folder, file).replaceAll('\\', '/');
    const code = fs.readFileSync(file, 'utf8');
    return {
      code: code.replaceAll('import.meta.url', `new URL('${place}', import.meta.url).href`),
      map: JSON.parse(fs.readFileSync(`${file}.map`, 'utf8')),
    };
  },
});

/**
 * Bundles entries, by their names, for a folder; entries share what they both use. Gives paths and contents.
 *
 * Names of classes stay, as they stand in messages and in what is logged of objects.
 */
export async function bundle(entries, folder) {
  const bundled = await rolldown({
    ...{ input: entries, platform: 'node', logLevel: 'warn' },
    external: (id) => !/^[./]/.test(id),
    plugins: [readCompiled(folder)],
  });
  const { output } = await bundled.generate({ dir: folder, format: 'esm', sourcemap: true });
  await bundled.close();
  // An entry comes last: what it imports is there already when it is read.
  return output
    .sort((a, b) => Number(a.isEntry ?? false) - Number(b.isEntry ?? false))
    .map((file) => ({ path: path.join(folder, file.fileName), contents: file.code ?? file.source }));
}
