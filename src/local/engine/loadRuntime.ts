import { TinkerError } from '../../errors.js';
import { createOnnxRuntime } from './onnxRuntime.js';
import { createPlainRuntime } from './plainRuntime.js';
import type { Runtime, RuntimeName } from './runtime.js';

const advice = 'for speed: npm install onnxruntime-node (ONNXRUNTIME_NODE_INSTALL=skip where it cannot download)';

/**
 * Loads a runtime. With `auto`, a package that is missing or has no build for this machine is passed over, and the
 * description says what to install.
 *
 * @throws TinkerError `invalid_config` where the runtime that was asked for can't be loaded.
 */
export async function loadRuntime(name: RuntimeName, threads: number): Promise<Runtime> {
  switch (name) {
    case 'plain':
      return createPlainRuntime('plain evaluation, 1 thread');
    case 'onnxruntime-node':
      return loadNode(threads).catch(unavailable(name));
    case 'onnxruntime-web':
      return loadWeb(threads, '').catch(unavailable(name));
    case 'auto':
      return loadNode(threads)
        .catch(() => loadWeb(threads, `; ${advice}`))
        .catch(() => createPlainRuntime(`plain evaluation, 1 thread, slow; ${advice}`));
  }
}

async function loadNode(threads: number): Promise<Runtime> {
  const { default: onnx } = await import('onnxruntime-node');
  const version = onnx.env.versions.node ?? onnx.env.versions.common;
  return createOnnxRuntime(onnx, threads, `onnxruntime-node ${version}, cpu, ${inThreads(threads)}`);
}

async function loadWeb(threads: number, note: string): Promise<Runtime> {
  const { default: onnx } = await import('onnxruntime-web');
  onnx.env.wasm.numThreads = threads;
  const version = onnx.env.versions.web ?? onnx.env.versions.common;
  return createOnnxRuntime(onnx, threads, `onnxruntime-web ${version}, wasm, ${inThreads(threads)}${note}`);
}

function inThreads(threads: number): string {
  return threads === 1 ? '1 thread' : `${String(threads)} threads`;
}

function unavailable(name: string): (cause: unknown) => never {
  return (cause) => {
    throw new TinkerError(
      'invalid_config',
      `Expected the package ${name} to load, got an error. Install it: npm install ${name}`,
      {
        cause,
      },
    );
  };
}
