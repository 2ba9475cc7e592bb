// How large what an import brings into a page is: minified, gzipped, without what is loaded when it is needed.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Bundles a line of code for browsers, as in `folder`; gives the bytes of what is loaded at once, by package too. */
export async function browserSize(code, folder) {
  const { metafile, outputFiles } = await build({
    stdin: { contents: code, resolveDir: folder },
    ...{ bundle: true, splitting: true, minify: true, write: false, metafile: true },
    ...{ format: 'esm', platform: 'browser', target: 'es2022', outdir: 'out', logLevel: 'silent' },
  });
  const { outputs } = metafile;
  const loaded = new Set();
  const load = (name) => {
    if (loaded.has(name)) return;
    loaded.add(name);
    const { imports } = outputs[name];
    for (const { kind, path } of imports) if (kind === 'import-statement' && path in outputs) load(path);
  };
  load(
    Object.keys(outputs).find(
      (name) => outputs[name].entryPoint !== undefined && outputs[name].entryPoint === '<stdin>',
    ),
  );
  const contents = outputFiles.filter(({ path }) => [...loaded].some((name) => path.endsWith(name)));
  const packages = {};
  for (const name of loaded) {
    for (const [input, { bytesInOutput }] of Object.entries(outputs[name].inputs)) {
      const [, from = 'own'] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
      packages[from] = (packages[from] ?? 0) + bytesInOutput;
    }
  }
  const sum = (sizeOf) => contents.reduce((bytes, file) => bytes + sizeOf(file.contents), 0);
  return {
    minified: sum((file) => file.length),
    gzipped: sum((file) => gzipSync(file, { level: 9 }).length),
    packages,
  };
}
