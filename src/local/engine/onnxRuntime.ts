import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { TinkerError } from '../../errors.js';
import { joinInputs } from './joinInputs.js';
import { joinOutputs } from './joinOutputs.js';
import { CarriedTensors } from './carriedTensors.js';
import { carriedCaches, nextName } from './onnx/carriedCaches.js';
import { copyModel, copyName } from './onnx/copyModel.js';
import { type TensorMaker, makeTensor } from './onnx/makeTensor.js';
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

/** Weights that are built into a graph spare the processor their repacking at each run; larger ones are held once. */
const fixedBytes = 2 ** 24;
/** An input would go to the GPU at each run; ONNX models end at 2 GB. */
const fixedOnCuda = 2 ** 30;

/** What the packages of onnxruntime have in common. */
export interface OnnxPackage {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorMaker;
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
    const tensor = known.get(input) ?? makeTensor(onnx.Tensor, input);
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
  const feedsOf = (
    session: InferenceSession,
    inputs: RuntimeInputs,
    left: Readonly<Record<string, Tensor>> = {},
  ): Record<string, Tensor> => {
    const feeds: Record<string, Tensor> = {};
    for (const name of session.inputNames) {
      const input = inputs[name];
      const tensor = input === undefined ? left[name] : toTensor(input);
      if (tensor === undefined)
        throw new TinkerError('invalid_argument', `Expected an input ${name} of the graph, got none.`);
      feeds[name] = tensor;
    }
    return feeds;
  };
  const hold = async (all: RuntimeInputs): Promise<void> => {
    // Tensors of int8 on a device are not made by onnxruntime-common.
    const inputs = Object.fromEntries(Object.entries(all).filter(([, { type }]) => type !== 'int8'));
    if (Object.keys(inputs).length === 0) return;
    const session = await prepare(copyModel(inputs), { preferredOutputLocation: 'gpu-buffer' });
    const copies = await session.run(feedsOf(session, inputs));
    for (const [name, input] of Object.entries(inputs)) {
      const copy = copies[copyName(name)];
      if (copy !== undefined) known.set(input, copy);
      makers.set(input, session);
    }
  };
  return {
    description,
    threads,
    fixedBytes: device === 'cuda' ? fixedOnCuda : fixedBytes,
    stores,
    ...(device === 'webgpu' && { hold }),
    async compile(outputs, { constants, stored = new Map(), oneThread = false, changing = [] } = {}): Promise<Program> {
      const fewer = joinInputs(outputs, new Set(device === 'webgpu' ? changing : []));
      const joined =
        device === 'webgpu'
          ? joinOutputs(fewer.outputs)
          : { outputs: fewer.outputs, split: (results: Tensors) => results };
      const dialect = device === 'webgpu' ? webgpuDialect : undefined;
      const carried = device === 'webgpu' ? carriedCaches(outputs) : [];
      const session = await prepare(toOnnx(joined.outputs, constants, stored, dialect), {
        intraOpNumThreads: oneThread ? 1 : threads,
        ...(carried.length > 0 && {
          preferredOutputLocation: Object.fromEntries(carried.map((name) => [nextName(name), 'gpu-buffer' as const])),
        }),
        // Threads that spin for their next task take the cores from the server and its clients.
        extra: {
          session: { intra_op: { allow_spinning: '0' } },
          // It would join the widenings of a stored matrix, whose float32 copy would then stay from forward to backward.
          ...(stored.size > 0 && {
            optimization: { disable_specified_optimizers: 'CommonSubexpressionElimination' },
          }),
        },
      });
      const kept = new CarriedTensors(carried);
      return {
        async run(inputs, keeper): Promise<Tensors> {
          // What is given anew takes the place of what was left, whether the run succeeds or not.
          if (keeper !== undefined && carried.some((name) => inputs[name] !== undefined)) kept.drop(keeper);
          const feeds = feedsOf(session, fewer.join(inputs), kept.of(keeper));
          const results = await session.run(feeds);
          const plain = kept
            .take(results, keeper)
            .map(([name, { data, dims }]): [string, Tensors[string]] => [name, toEngineTensor(name, data, dims)]);
          return joined.split(Object.fromEntries(plain), inputs);
        },
        ...(carried.length > 0 && { kept }),
      };
    },
  };
}
