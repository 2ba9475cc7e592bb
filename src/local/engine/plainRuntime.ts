import { evaluate } from '../../graph/index.js';
import { toEngineTensor, type Program, type Runtime, type Tensors } from './runtime.js';

/** Runs graphs by their plain evaluation on typed arrays: slow, and without any package. */
export function createPlainRuntime(description: string): Runtime {
  return {
    description,
    compile(outputs, constants): Promise<Program> {
      const run = (inputs: Tensors): Tensors =>
        Object.fromEntries(
          Object.entries(evaluate(outputs, { ...constants, ...inputs })).map(([name, { data, shape }]) => [
            name,
            toEngineTensor(name, data, shape),
          ]),
        );
      return Promise.resolve({ run: (inputs) => Promise.resolve(inputs).then(run) });
    },
  };
}
