import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { TinkerError } from '../../errors.js';
import { toOnnx } from './onnx/toOnnx.js';
import type { EngineTensor } from './engine.js';
import { toEngineTensor, type Program, type Runtime, type Tensors } from './runtime.js';

/** What the packages of onnxruntime have in common. */
export interface OnnxPackage {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: 'float32' | 'int32', data: Float32Array | Int32Array, shape: readonly number[]) => Tensor;
}

/** Runs graphs on onnxruntime's CPU kernels; `run` blocks the thread that calls it. */
export function createOnnxRuntime(onnx: OnnxPackage, threads: number, description: string): Runtime {
  const toTensor = ({ data, shape }: EngineTensor): Tensor =>
    new onnx.Tensor(data instanceof Float32Array ? 'float32' : 'int32', data, shape);
  return {
    description,
    async compile(outputs, constants): Promise<Program> {
      const session = await onnx.InferenceSession.create(toOnnx(outputs, constants), {
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
        // Threads that spin for their next task take the cores from the server and its clients.
        extra: { session: { intra_op: { allow_spinning: '0' } } },
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
