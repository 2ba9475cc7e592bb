/** Data that run together: indices into the job, padded to one length. */
export interface MicroBatch {
  readonly indices: readonly number[];
  readonly length: number;
}

const lengthStep = 8;
/** Positions of one pass, padding included. */
const maxPositions = 4096;
/** Attention scores of one pass and head. */
const maxScores = 2 ** 21;

/**
 * Splits data into passes: longest first, similar lengths together, each within a budget of positions and of attention
 * scores, or alone.
 *
 * @param rowsThatFit - How many sequences of a length the memory takes at once.
 */
export function planMicroBatches(
  lengths: readonly number[],
  rowsThatFit: (length: number) => number = () => Infinity,
): MicroBatch[] {
  const order = lengths.map((_, index) => index).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  const batches: MicroBatch[] = [];
  for (let start = 0; start < order.length;) {
    const length = Math.ceil((lengths[order[start] ?? 0] ?? 0) / lengthStep) * lengthStep;
    const rows = Math.floor(Math.min(maxPositions / length, maxScores / length ** 2, rowsThatFit(length)));
    const end = start + Math.max(1, rows);
    batches.push({ indices: order.slice(start, end), length });
    start = end;
  }
  return batches;
}
