import { TinkerError } from '../../errors.js';
import { evaluate } from '../../graph/index.js';
import type { EngineTensor } from './engine.js';
import { toEngineTensor, type Program, type Runtime, type RuntimeInputs, type Tensors } from './runtime.js';

/** Runs graphs by their plain evaluation on typed arrays: slow, and without any package. */
export function createPlainRuntime(description: string): Runtime {
  return {
    description,
    threads: 1,
    fixedBytes: 0,
    stores: [],
    compile(outputs, { constants } = {}): Promise<Program> {
      const run = (inputs: RuntimeInputs): Tensors =>
        Object.fromEntries(
          Object.entries(evaluate(outputs, { ...constants, ...plainInputs(inputs) })).map(([name, { data, shape }]) => [
            name,
            toEngineTensor(name, data, shape),
          ]),
        );
      return Promise.resolve({ run: (inputs) => Promise.resolve(inputs).then(run) });
    },
  };
}

function plainInputs(inputs: RuntimeInputs): Tensors {
  const entries = Object.entries(inputs).map(([name, tensor]): [string, EngineTensor] => {
    if (tensor.type === undefined) return [name, tensor];
    throw new TinkerError('invalid_config', `Expected ${name} in float32, got ${tensor.type}: it needs onnxruntime.`);
  });
  return Object.fromEntries(entries);
}
