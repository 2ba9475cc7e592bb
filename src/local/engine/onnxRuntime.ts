import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { TinkerError } from '../../errors.js';
import { toOnnx } from './onnx/toOnnx.js';
import { toEngineTensor, type Device, type Program, type Runtime, type StoredInput, type Tensors } from './runtime.js';

/** What the packages of onnxruntime have in common. */
export interface OnnxPackage {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (
    type: 'float32' | 'int32' | 'float16' | 'int8',
    data: StoredInput['data'],
    shape: readonly number[],
  ) => Tensor;
}

/** Runs graphs on onnxruntime's kernels; on the CPU `run` blocks the thread that calls it. */
export function createOnnxRuntime(
  onnx: OnnxPackage,
  threads: number,
  description: string,
  device: Device = 'cpu',
): Runtime {
  /** Weights are the same objects at each run. */
  const known = new WeakMap<StoredInput, Tensor>();
  const toTensor = (input: StoredInput): Tensor => {
    const { type, data, shape } = input;
    const tensor =
      known.get(input) ?? new onnx.Tensor(type ?? (data instanceof Float32Array ? 'float32' : 'int32'), data, shape);
    // Where Node has a Float16Array, it becomes one, whose bytes onnxruntime-node takes for none
    // (https://github.com/microsoft/onnxruntime/pull/32323).
    if (type === 'float16') Object.defineProperty(tensor, 'data', { value: data });
    known.set(input, tensor);
    return tensor;
  };
  return {
    description,
    threads,
    widens: true,
    async compile(outputs, { constants, stored = new Map(), oneThread = false } = {}): Promise<Program> {
      const session = await onnx.InferenceSession.create(toOnnx(outputs, constants, stored), {
        // What a device has no kernel for runs on the processor.
        ...(device !== 'cpu' && { executionProviders: [device, 'cpu'] }),
        // A block planned for each shape of the inputs would lie beside what the first run of it allocated.
        enableMemPattern: false,
        intraOpNumThreads: oneThread ? 1 : threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
        // Threads that spin for their next task take the cores from the server and its clients.
        extra: {
          session: { intra_op: { allow_spinning: '0' } },
          // It would join the widenings of a stored matrix, whose float32 copy would then stay from forward to backward.
          ...(stored.size > 0 && {
            optimization: { disable_specified_optimizers: 'CommonSubexpressionElimination' },
          }),
        },
      });
      return {
        async run(inputs): Promise<Tensors> {
          const feeds: Record<string, Tensor> = {};
          for (const name of session.inputNames) {
            const input = inputs[name];
            if (input === undefined)
              throw new TinkerError('invalid_argument', `Expected an input ${name} of the graph, got none.`);
            feeds[name] = toTensor(input);
          }
          const results = await session.run(feeds);
          return Object.fromEntries(
            Object.entries(results).map(([name, { data, dims }]) => [name, toEngineTensor(name, data, dims)]),
          );
        },
      };
    },
  };
}
