import type { DecoderConfig } from './decoderConfig.js';

/** A linear map of the decoder, by the name of its weights. */
export interface Projection {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
}

/** The projections of one layer, attention's and the MLP's. */
export function layerProjections(config: DecoderConfig, layer: number): { attention: Projection[]; mlp: Projection[] } {
  const { hiddenSize, ffnSize, heads, kvHeads, headDim } = config;
  const projection = (name: string, inputs: number, outputs: number): Projection => ({
    name: `layers.${String(layer)}.${name}`,
    inputs,
    outputs,
  });
  return {
    attention: [
      projection('q', hiddenSize, heads * headDim),
      projection('k', hiddenSize, kvHeads * headDim),
      projection('v', hiddenSize, kvHeads * headDim),
      projection('o', heads * headDim, hiddenSize),
    ],
    mlp: [
      projection('gate', hiddenSize, ffnSize),
      projection('up', hiddenSize, ffnSize),
      projection('down', ffnSize, hiddenSize),
    ],
  };
}
