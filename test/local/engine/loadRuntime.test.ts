import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../../src/local/engine/loadRuntime.js';

const loadRuntimeUrl = new URL('../../../dist/src/local/engine/loadRuntime.js', import.meta.url).href;

/** What `auto` gives in a process where these packages are not installed. */
function withoutPackages(missing: readonly string[]): string {
  const hook = `export async function resolve(name, context, next) {
    if (${JSON.stringify(missing)}.includes(name))
      throw Object.assign(new Error('Cannot find package ' + name), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  }`;
  const script = `
    const { register } = await import('node:module');
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});
    const { loadRuntime } = await import(${JSON.stringify(loadRuntimeUrl)});
    console.log((await loadRuntime('auto', 2)).description);
    await loadRuntime('onnxruntime-node', 2).catch(({ code, message }) => console.log(code, message));`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 20_000 });
}

describe('loadRuntime', () => {
  it('takes onnxruntime-node where it is installed', async () => {
    expect((await loadRuntime('auto', 2)).description).toMatch(/^onnxruntime-node 1\.\d+\.\d+, cpu, 2 threads$/);
    expect((await loadRuntime('plain', 2)).description).toBe('plain evaluation, 1 thread');
  });

  it('else takes onnxruntime-web and says what to install', () => {
    const [auto, asked] = withoutPackages(['onnxruntime-node']).split('\n');
    expect(auto).toMatch(/^onnxruntime-web 1\.\d+\.\d+, wasm, 2 threads; for speed: npm install onnxruntime-node/);
    expect(asked).toMatch(
      /^invalid_config Expected the package onnxruntime-node to load.*npm install onnxruntime-node/,
    );
  });

  it('else evaluates plainly and says what to install', () => {
    const [auto] = withoutPackages(['onnxruntime-node', 'onnxruntime-web']).split('\n');
    expect(auto).toMatch(/^plain evaluation, 1 thread, slow; for speed: npm install onnxruntime-node/);
  });
});
