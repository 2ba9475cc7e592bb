import { TinkerError } from '../errors.js';
import type { FuturePromise, SampleOutput } from '../wire/index.js';

/** Gives each sample the id that the promise has for it; servers without provenance have none. */
export function withSequenceIds(output: SampleOutput, { sampleSequenceIds: ids }: FuturePromise): SampleOutput {
  if (ids === undefined) return output;
  const { sequences } = output;
  if (ids.length !== sequences.length) {
    throw new TinkerError(
      'invalid_response',
      `Expected an id for each of ${sequences.length} samples in sample_sequence_ids, got ${ids.length}.`,
    );
  }
  return {
    ...output,
    sequences: sequences.map((sequence, index) => {
      const sequenceId = ids[index];
      return sequenceId === undefined ? sequence : { sequenceId, ...sequence };
    }),
  };
}
