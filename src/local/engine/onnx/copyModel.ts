import type { DType } from '../../../graph/index.js';
import type { RuntimeInputs, StoredPrecision } from '../runtime.js';
import { Emitter } from './emitter.js';
import { modelOf, valueInfo } from './modelOf.js';

/** The bytes of an ONNX model that gives each of its inputs, of these types and shapes, by {@link copyName}. */
export function copyModel(inputs: RuntimeInputs): Uint8Array {
  const emitter = new Emitter();
  const infos = Object.entries(inputs).map(([name, { type, data, shape }]) => {
    emitter.emitTo([copyName(name)], 'Identity', [name]);
    const element: DType | StoredPrecision = type ?? (data instanceof Float32Array ? 'float32' : 'int32');
    return { input: valueInfo(name, element, shape), output: valueInfo(copyName(name), element, shape) };
  });
  return modelOf(
    emitter,
    infos.map(({ input }) => input),
    infos.map(({ output }) => output),
  );
}

/** The output that holds the copy of an input. */
export function copyName(name: string): string {
  return `${name} copy`;
}
