// Bundles the page and serves it on this machine: node examples/browser/serve.mjs [port]
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = fileURLToPath(new URL('.', import.meta.url));
const require = createRequire(import.meta.url);
const tiny = path.join(path.dirname(require.resolve('rxtinker/package.json')), 'dist/src/local/models/tiny');
const wasm = path.dirname(require.resolve('onnxruntime-web'));
const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Bundles with esbuild, and serves until it is closed; gives the address. */
export async function serveExample(port = 0) {
  const { outputFiles } = await build({
    entryPoints: ['page.js', 'worker.js'].map((file) => path.join(folder, file)),
    ...{ bundle: true, format: 'esm', platform: 'browser', target: 'es2022', outdir: folder, write: false },
    ...{ minify: true, logLevel: 'error' },
  });
  const bundles = new Map(outputFiles.map((file) => [`/${path.basename(file.path)}`, Buffer.from(file.contents)]));
  const fileOf = (url) => {
    if (url === '/') return path.join(folder, 'index.html');
    const name = path.basename(url);
    if (url === `/tiny/${name}`) return path.join(tiny, name);
    return /^ort-[\w.-]+\.(wasm|mjs)$/.test(name) ? path.join(wasm, name) : '';
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost').pathname;
    const file = fileOf(url);
    const body = bundles.get(url) ?? (fs.existsSync(file) ? fs.readFileSync(file) : undefined);
    // Isolated, so that threads may share memory.
    const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
    response.writeHead(body === undefined ? 404 : 200, {
      ...headers,
      'content-type': types[url === '/' ? '.html' : path.extname(url)] ?? 'application/octet-stream',
    });
    response.end(body);
  });
  await new Promise((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serveExample(Number(process.argv[2] ?? 0));
  console.log(`open ${url}`);
}
