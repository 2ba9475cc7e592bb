import type { DecoderConfig } from './decoderConfig.js';

/** A linear map of the decoder, by the name of its weights. */
export interface Projection {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
}

/** The projections of one layer, attention's and the MLP's. */
export function layerProjections(config: DecoderConfig, layer: number): { attention: Projection[]; mlp: Projection[] } {
  const { hiddenSize, ffnSize, heads, kvHeads, headDim } = config;
  const projection = (name: string, inputs: number, outputs: number, bias = false): Projection => ({
    name: `layers.${String(layer)}.${name}`,
    inputs,
    outputs,
    bias,
  });
  const biased = config.queryKeyValueBias === true;
  return {
    attention: [
      projection('q', hiddenSize, heads * headDim, biased),
      projection('k', hiddenSize, kvHeads * headDim, biased),
      projection('v', hiddenSize, kvHeads * headDim, biased),
      projection('o', heads * headDim, hiddenSize),
    ],
    mlp: [
      projection('gate', hiddenSize, ffnSize),
      projection('up', hiddenSize, ffnSize),
      projection('down', ffnSize, hiddenSize),
    ],
  };
}
