import type { DecoderConfig } from './decoderConfig.js';
import type { EngineTensor } from './engine.js';
import { causalMask, rotaryAngles } from './positions.js';

/** What a training pass over so many rows and positions is fed with: the causal mask and the rotary angles. */
export function positionFeeds(
  config: DecoderConfig,
  rows: number,
  length: number,
): Readonly<Record<'mask' | 'cos' | 'sin' | 'positions', EngineTensor>> {
  const positions = Int32Array.from({ length: rows * length }, (_, i) => i % length);
  return {
    mask: causalMask(length),
    ...rotaryAngles(config, length),
    positions: { data: positions, shape: [rows, length] },
  };
}
