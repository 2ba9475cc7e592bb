// Puts the modules of the package into few files for Node, where hundreds of small ones take long to load.
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

/** Files that find others by their own place go on to find them there. */
const keepPlaces = (folder) => ({
  name: 'keep-places',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path: file }) => {
      const code = fs.readFileSync(file, 'utf8');
      if (!code.includes('import.meta.url')) return undefined;
      const place = path.relative(folder, file).replaceAll('\\', '/');
      return { contents: code.replaceAll('import.meta.url', `new URL('${place}', import.meta.url).href`) };
    });
  },
});

/** Bundles entries, by their names, for a folder; entries share what they both use. Gives paths and contents. */
export async function bundle(entries, folder) {
  const { outputFiles } = await build({
    entryPoints: entries,
    outdir: folder,
    ...{ bundle: true, splitting: true, packages: 'external', format: 'esm', platform: 'node', target: 'node20' },
    // Names of classes stand in messages and in what is logged of objects.
    keepNames: true,
    ...{ sourcemap: 'linked', sourcesContent: false, write: false, logLevel: 'warning' },
    plugins: [keepPlaces(folder)],
  });
  // An entry comes last: what it imports is there already when it is read.
  const isEntry = (file) => Object.keys(entries).includes(path.basename(file.path).replace(/\.js(\.map)?$/, ''));
  return outputFiles.sort((a, b) => Number(isEntry(a)) - Number(isEntry(b)));
}
