import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { TinkerError } from '../../errors.js';
import { joinOutputs } from './joinOutputs.js';
import { copyModel, copyName } from './onnx/copyModel.js';
import { toOnnx } from './onnx/toOnnx.js';
import { webgpuDialect } from './onnx/webgpuDialect.js';
import {
  toEngineTensor,
  type Device,
  type Program,
  type Runtime,
  type RuntimeInputs,
  type StoredInput,
  type StoredPrecision,
  type Tensors,
} from './runtime.js';

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

/** What a runtime is made with beside the package. */
export interface OnnxOptions {
  readonly threads: number;
  readonly description: string;
  /** `cpu` if missing. */
  readonly device?: Device;
  /** Both if missing. */
  readonly stores?: readonly StoredPrecision[];
}

/** Runs graphs on onnxruntime's kernels; `run` blocks the thread that calls it. */
export function createOnnxRuntime(
  onnx: OnnxPackage,
  { threads, description, device = 'cpu', stores = ['float16', 'int8'] }: OnnxOptions,
): Runtime {
  /** Weights are the same objects at each run. */
  const known = new WeakMap<StoredInput, Tensor>();
  /** A copy on a device lives no longer than the session that made it. */
  const makers = new WeakMap<StoredInput, InferenceSession>();
  const toTensor = (input: StoredInput): Tensor => {
    const { type, data, shape } = input;
    const tensor =
      known.get(input) ?? new onnx.Tensor(type ?? (data instanceof Float32Array ? 'float32' : 'int32'), data, shape);
    // Where Node has a Float16Array, it becomes one, whose bytes onnxruntime-node takes for none
    // (https://github.com/microsoft/onnxruntime/pull/32323).
    if (type === 'float16' && tensor.location === 'cpu') Object.defineProperty(tensor, 'data', { value: data });
    known.set(input, tensor);
    return tensor;
  };
  const prepare = (
    model: Uint8Array,
    options: Partial<InferenceSession.SessionOptions> = {},
  ): Promise<InferenceSession> =>
    onnx.InferenceSession.create(model, {
      // What a device has no kernel for runs on the processor.
      ...(device !== 'cpu' && { executionProviders: [device, 'cpu'] }),
      // A block planned for each shape of the inputs would lie beside what the first run of it allocated.
      enableMemPattern: false,
      interOpNumThreads: 1,
      // What fails is thrown; a line in the terminal would say it twice.
      logSeverityLevel: 4,
      ...options,
    });
  const run = (session: InferenceSession, inputs: RuntimeInputs): Promise<InferenceSession.OnnxValueMapType> => {
    const feeds: Record<string, Tensor> = {};
    for (const name of session.inputNames) {
      const input = inputs[name];
      if (input === undefined)
        throw new TinkerError('invalid_argument', `Expected an input ${name} of the graph, got none.`);
      feeds[name] = toTensor(input);
    }
    return session.run(feeds);
  };
  const hold = async (all: RuntimeInputs): Promise<void> => {
    // Tensors of int8 on a device are not made by onnxruntime-common.
    const inputs = Object.fromEntries(Object.entries(all).filter(([, { type }]) => type !== 'int8'));
    const session = await prepare(copyModel(inputs), { preferredOutputLocation: 'gpu-buffer' });
    const copies = await run(session, inputs);
    for (const [name, input] of Object.entries(inputs)) {
      const copy = copies[copyName(name)];
      if (copy !== undefined) known.set(input, copy);
      makers.set(input, session);
    }
  };
  return {
    description,
    threads,
    stores,
    ...(device === 'webgpu' && { hold }),
    async compile(outputs, { constants, stored = new Map(), oneThread = false } = {}): Promise<Program> {
      const joined = device === 'webgpu' ? joinOutputs(outputs) : { outputs, split: (results: Tensors) => results };
      const dialect = device === 'webgpu' ? webgpuDialect : undefined;
      const session = await prepare(toOnnx(joined.outputs, constants, stored, dialect), {
        intraOpNumThreads: oneThread ? 1 : threads,
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
          const results = Object.entries(await run(session, inputs)).map(
            ([name, { data, dims }]): [string, Tensors[string]] => [name, toEngineTensor(name, data, dims)],
          );
          return joined.split(Object.fromEntries(results), inputs);
        },
      };
    },
  };
}
