// How large what an import brings into a page is: minified, gzipped; what is loaded at once, and with what is loaded later.
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { rolldown } from 'rolldown';

/**
 * Bundles a line of code for browsers, as in `folder`, by a bundler of each kind: esbuild keeps together what a file
 * of the package re-exports; rolldown, which Vite uses, splits off what is only used later.
 */
export async function browserSizes(code, folder) {
  const entry = path.join(folder, 'entry.mjs');
  fs.writeFileSync(entry, code);
  return { esbuild: sizesOf(await byEsbuild(entry)), rolldown: sizesOf(await byRolldown(entry)) };
}

/** A chunk: its name, code, the chunks that it loads at once, and bytes by module where they are known. */
async function byEsbuild(entry) {
  const { metafile, outputFiles } = await esbuild.build({
    entryPoints: [entry],
    ...{ bundle: true, splitting: true, minify: true, write: false, metafile: true },
    ...{ format: 'esm', platform: 'browser', target: 'es2022', outdir: 'out', logLevel: 'silent' },
  });
  return Object.entries(metafile.outputs).map(([name, { imports, inputs, entryPoint }]) => ({
    name,
    isEntry: entryPoint !== undefined && path.resolve(entryPoint) === path.resolve(entry),
    code: outputFiles.find((file) => file.path.endsWith(name)).contents,
    imports: imports.filter(({ kind }) => kind === 'import-statement').map((imported) => imported.path),
    modules: Object.entries(inputs).map(([module, { bytesInOutput }]) => [module, bytesInOutput]),
  }));
}

async function byRolldown(entry) {
  const bundle = await rolldown({ input: entry, platform: 'browser', logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  return output
    .filter(({ type }) => type === 'chunk')
    .map(({ fileName, isEntry, imports, code }) => ({
      name: fileName,
      isEntry,
      code: Buffer.from(code),
      imports,
      modules: [],
    }));
}

function sizesOf(chunks) {
  const loaded = new Set();
  const load = (chunk) => {
    if (chunk === undefined || loaded.has(chunk)) return;
    loaded.add(chunk);
    for (const name of chunk.imports) load(chunks.find((other) => other.name === name));
  };
  load(chunks.find(({ isEntry }) => isEntry));
  const packages = {};
  for (const [module, bytes] of [...loaded].flatMap(({ modules }) => modules)) {
    const [, from = 'own'] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module) ?? [];
    packages[from] = (packages[from] ?? 0) + bytes;
  }
  const sizeOf = (some) => ({
    minified: some.reduce((bytes, { code }) => bytes + code.length, 0),
    gzipped: some.reduce((bytes, { code }) => bytes + gzipSync(code, { level: 9 }).length, 0),
  });
  return { first: sizeOf([...loaded]), total: sizeOf(chunks), packages };
}
