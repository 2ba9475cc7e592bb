import { TinkerError } from '../../errors.js';
import { input, mul } from '../../graph/index.js';
import { attentionError } from './attentionError.js';
import { askForExactProducts } from './exactProducts.js';
import { createOnnxRuntime } from './onnxRuntime.js';
import { createPlainRuntime } from './plainRuntime.js';
import type { Device, Runtime, RuntimeName } from './runtime.js';

const advice = 'for speed: npm install onnxruntime-node (ONNXRUNTIME_NODE_INSTALL=skip where it cannot download)';

/**
 * Loads a runtime. With `auto`, a package that is missing or has no build for this machine is passed over, and the
 * description says what to install.
 *
 * @throws TinkerError `invalid_config` where the runtime or the device that was asked for can't be used.
 */
export async function loadRuntime(name: RuntimeName, threads: number, device: Device = 'cpu'): Promise<Runtime> {
  if (device !== 'cpu') return loadDevice(name, threads, device);
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

/** What a device's attention over numbers of about 1 may be off. */
const largestError = 1e-3;

/** A device other than the processor; it must be there, and nothing else takes its place. */
async function loadDevice(name: RuntimeName, threads: number, device: Exclude<Device, 'cpu'>): Promise<Runtime> {
  if (name === 'plain' || name === 'onnxruntime-web')
    throw new TinkerError('invalid_config', `Expected the runtime onnxruntime-node for ${device}, got ${name}.`);
  askForExactProducts(device);
  const { default: onnx } = await import('onnxruntime-node').catch(unavailable('onnxruntime-node'));
  const version = onnx.env.versions.node ?? onnx.env.versions.common;
  // What can't be used is thrown; a line in the terminal would say it twice.
  onnx.env.logLevel = 'fatal';
  const description = `onnxruntime-node ${version}, ${device}`;
  // One thread is enough where nothing is left for the processor, and makes one program of each graph.
  const options = { threads: device === 'webgpu' ? 1 : threads, description, device };
  const runtime = createOnnxRuntime(onnx, options);
  const y = { y: mul(input('x', [2]), 2) };
  try {
    // The provider is looked for when a graph is prepared, a device at times only when one runs.
    const program = await runtime.compile(y);
    await program.run({ x: { data: Float32Array.of(1, 2), shape: [2] } });
  } catch (cause) {
    throw new TinkerError(
      'invalid_config',
      `Expected the device ${device}, which onnxruntime-node ${version} can't use here: ${reasonOf(cause)}. ${ways[device]} Or take cpu.`,
      { cause },
    );
  }
  const error = await attentionError(runtime);
  if (error > largestError)
    throw new TinkerError(
      'invalid_config',
      `Expected the device ${device} to compute what the processor does, got attention that is off by ${error.toPrecision(2)} with onnxruntime-node ${version}. Update the driver or the package, or take cpu.`,
    );
  try {
    // Not every GPU computes with float16.
    const program = await runtime.compile(y, { stored: new Map([['x', 'float16']]) });
    await program.run({ x: { type: 'float16', data: new Uint16Array(2), shape: [2] } });
  } catch {
    return createOnnxRuntime(onnx, { ...options, stores: ['int8'] });
  }
  return runtime;
}

const ways = {
  cuda: 'It needs Linux, an NVIDIA GPU with its driver, CUDA 12 or 13 with cuDNN 9, and the provider: npm rebuild onnxruntime-node with ONNXRUNTIME_NODE_INSTALL=cuda.',
  webgpu:
    'It needs a GPU with a driver for Vulkan (on Linux its loader too, libvulkan.so.1), Metal or Direct3D 12, and a package that was built with WebGPU.',
} as const;

/** The first line of an error of the runtime, without a full stop. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  // What stands before is the place in the runtime's sources and the condition that was not met.
  const [line = ''] = text.replace(/^.*was false\. /s, '').split('\n');
  return line.trim().replace(/\.$/, '').slice(0, 300);
}

async function loadNode(threads: number): Promise<Runtime> {
  const { default: onnx } = await import('onnxruntime-node');
  const version = onnx.env.versions.node ?? onnx.env.versions.common;
  return createOnnxRuntime(onnx, { threads, description: `onnxruntime-node ${version}, cpu, ${inThreads(threads)}` });
}

async function loadWeb(threads: number, note: string): Promise<Runtime> {
  const { default: onnx } = await import('onnxruntime-web');
  onnx.env.wasm.numThreads = threads;
  const version = onnx.env.versions.web ?? onnx.env.versions.common;
  return createOnnxRuntime(onnx, {
    threads,
    description: `onnxruntime-web ${version}, wasm, ${inThreads(threads)}${note}`,
  });
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
