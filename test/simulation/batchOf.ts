import { seededRandom } from '../../operators/seededRandom.js';
import { type Datum, ModelInput } from '../../src/wire/index.js';
import { vocabularySize } from './simulatedEngine.js';

/** The batch of a step: always the same, and unlike those of other steps. */
export function batchOf(step: number): Datum[] {
  const random = seededRandom(step + 1);
  return Array.from({ length: 2 }, () => ({
    modelInput: ModelInput.fromTokens(Array.from({ length: 6 }, () => Math.floor(random() * vocabularySize))),
  }));
}
