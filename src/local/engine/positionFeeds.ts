import type { DecoderConfig } from './decoderConfig.js';
import type { EngineTensor } from './engine.js';
import { causalMask, rotaryAngles } from './positions.js';

/** What a training pass over so many positions is fed with: the causal mask and the rotary angles. */
export function positionFeeds(
  config: DecoderConfig,
  length: number,
): Readonly<Record<'mask' | 'cos' | 'sin', EngineTensor>> {
  const { cos, sin } = rotaryAngles(
    config,
    Uint32Array.from({ length }, (_, position) => position),
  );
  const shape = [length, config.headDim];
  return { mask: causalMask(length), cos: { data: cos, shape }, sin: { data: sin, shape } };
}
