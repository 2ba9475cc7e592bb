import type { PromptTargets } from '../../engine/engine.js';
import { refusal } from '../refusal.js';
import type { TensorData } from '../requests/tensorData.js';
import type { TargetLayout } from './targetLayout.js';

const name = 'target_prompt_logprobs';

/**
 * Reads the tokens to score: an int64 matrix of a row for each prompt token but the first, dense or sparse (CSR).
 *
 * @throws TinkerError with status 400.
 */
export function promptTargets(
  { data, dtype, shape, sparse_crow_indices, sparse_col_indices }: TensorData,
  promptLength: number,
): { targets: PromptTargets; layout: TargetLayout } {
  const [height = 0, width = 0, more] = shape ?? [];
  if (dtype !== 'int64' || shape?.length !== 2 || height !== promptLength - 1 || more !== undefined) {
    throw refusal(
      400,
      `${name}: Expected int64 tokens of shape [${promptLength - 1}, k], a row for each prompt token but the first, got ${dtype} of shape [${(shape ?? []).join(', ')}].`,
    );
  }
  const tokens = Int32Array.from(data);
  const rows = sparse_crow_indices ?? undefined;
  if (rows === undefined) {
    if (data.length !== height * width)
      throw refusal(400, `${name}: Expected ${height * width} tokens, got ${data.length}.`);
    const starts = Int32Array.from({ length: promptLength }, (_, row) => row * width);
    return { targets: { tokens, starts }, layout: { shape: [height, width] } };
  }
  const columns = sparse_col_indices ?? [];
  const ascending = rows.every((start, row) => start >= (rows[row - 1] ?? 0));
  const fits = rows.length === promptLength && rows[0] === 0 && ascending && rows.at(-1) === data.length;
  if (!fits || columns.length !== data.length || columns.some((column) => column >= width)) {
    throw refusal(
      400,
      `${name}: Expected ${promptLength} row starts, ascending from 0 to the number of tokens, and a column below ${width} for each token.`,
    );
  }
  return {
    targets: { tokens, starts: Int32Array.from(rows) },
    layout: { shape: [height, width], sparse: { rows, columns } },
  };
}
