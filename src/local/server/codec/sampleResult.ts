import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  DType,
  SampleResponseSchema,
  StopReason,
  type TensorSchema,
  type TopkLogprobsSchema,
} from '../../../wire/proto/tinker_public_pb.js';
import type { SampleResult, TokenTable } from '../../engine/engine.js';
import type { TargetLayout } from './targetLayout.js';

/** Draws of a sampling call and how much of them was asked for. */
export interface SampleOutput {
  readonly result: SampleResult;
  /** Prompt logprobs before this position are left out; position 0 never has one. */
  readonly firstPromptLogprob: number;
  readonly targetLayout?: TargetLayout;
}

/** A cell that stands for no token. */
const noToken = 0;
const noLogprob = -99999;

/** A `SampleResponse`; where a prompt token has no logprob there is NaN. */
export function sampleBytes({ result, firstPromptLogprob, targetLayout }: SampleOutput): Uint8Array {
  const { sequences, promptCacheHitTokens, promptLogprobs, promptTop, promptTargets, promptDraws } = result;
  return toBinary(
    SampleResponseSchema,
    create(SampleResponseSchema, {
      sequences: sequences.map(({ tokens, logprobs, stopReason, top }) => ({
        tokens: bytesOf(tokens),
        logprobs: bytesOf(logprobs),
        stopReason: stopReason === 'stop' ? StopReason.STOP : StopReason.LENGTH,
        ...(top !== undefined && { topkSampledLogprobs: topkOf(top) }),
      })),
      promptCacheHitTokens,
      ...(promptLogprobs !== undefined && {
        promptLogprobs: bytesOf(forAllTokens(promptLogprobs, 1, firstPromptLogprob, NaN)),
      }),
      ...(promptTop !== undefined && {
        topkPromptLogprobs: topkOf({
          tokens: forAllTokens(promptTop.tokens, promptTop.width, firstPromptLogprob, noToken),
          logprobs: forAllTokens(promptTop.logprobs, promptTop.width, firstPromptLogprob, noLogprob),
          width: promptTop.width,
        }),
      }),
      ...(promptTargets !== undefined &&
        targetLayout !== undefined && { targetPromptLogprobs: targetTensor(promptTargets, targetLayout) }),
      ...(promptDraws !== undefined && {
        promptAltTokens: {
          tokens: matrix(promptDraws.tokens, promptDraws),
          logprobs: matrix(promptDraws.logprobs, promptDraws),
        },
      }),
    }),
  );
}

/** The same as JSON; where a prompt token has no logprob there is null. */
export function sampleBody({ result, firstPromptLogprob, targetLayout }: SampleOutput): unknown {
  const { sequences, promptCacheHitTokens, promptLogprobs, promptTop, promptTargets, promptDraws } = result;
  const known = <T>(value: T, index: number): T | null => (index + 1 < firstPromptLogprob ? null : value);
  return {
    sequences: sequences.map(({ tokens, logprobs, stopReason, top }) => ({
      tokens: Array.from(tokens),
      logprobs: Array.from(logprobs),
      stop_reason: stopReason,
      ...(top !== undefined && { topk_sampled_logprobs: rowsOf(top) }),
    })),
    prompt_cache_hit_tokens: promptCacheHitTokens,
    // The first token has nothing before it that could predict it.
    ...(promptLogprobs !== undefined && { prompt_logprobs: [null, ...Array.from(promptLogprobs, known)] }),
    ...(promptTop !== undefined && { topk_prompt_logprobs: [null, ...rowsOf(promptTop).map(known)] }),
    ...(promptTargets !== undefined &&
      targetLayout !== undefined && {
        target_prompt_logprobs: {
          ...tensorBody(promptTargets, targetLayout.shape),
          ...(targetLayout.sparse !== undefined && {
            sparse_crow_indices: targetLayout.sparse.rows,
            sparse_col_indices: targetLayout.sparse.columns,
          }),
        },
      }),
    ...(promptDraws !== undefined && {
      prompt_alt_tokens: {
        tokens: tensorBody(promptDraws.tokens, shapeOf(promptDraws)),
        logprobs: tensorBody(promptDraws.logprobs, shapeOf(promptDraws)),
      },
    }),
    type: 'sample',
  };
}

/** Rows for every token of the prompt, filled for the first and those before a position. */
function forAllTokens<T extends Int32Array | Float32Array>(
  values: T,
  width: number,
  position: number,
  filling: number,
): T {
  const all =
    values instanceof Int32Array ? new Int32Array(values.length + width) : new Float32Array(values.length + width);
  all.set(values, width);
  all.fill(filling, 0, position * width);
  return all as T;
}

function topkOf({ tokens, logprobs, width }: TokenTable): MessageInitShape<typeof TopkLogprobsSchema> {
  return { tokenIds: bytesOf(tokens), logprobs: bytesOf(logprobs), k: width, length: tokens.length / width };
}

function matrix(data: Int32Array | Float32Array, table: TokenTable): MessageInitShape<typeof TensorSchema> {
  return {
    encoding: { case: 'dense', value: bytesOf(data) },
    dtype: data instanceof Float32Array ? DType.DTYPE_FLOAT32 : DType.DTYPE_INT32,
    shape: shapeOf(table).map(BigInt),
  };
}

function targetTensor(values: Float32Array, { shape, sparse }: TargetLayout): MessageInitShape<typeof TensorSchema> {
  const words = (indices: readonly number[]): Uint8Array => bytesOf(BigInt64Array.from(indices, BigInt));
  return {
    encoding:
      sparse === undefined
        ? { case: 'dense', value: bytesOf(values) }
        : {
            case: 'sparseCsr',
            value: { values: bytesOf(values), crowIndices: words(sparse.rows), colIndices: words(sparse.columns) },
          },
    dtype: DType.DTYPE_FLOAT32,
    shape: shape.map(BigInt),
  };
}

function shapeOf({ tokens, width }: TokenTable): [number, number] {
  return [tokens.length / width, width];
}

function tensorBody(data: Int32Array | Float32Array, shape: readonly number[]): object {
  return { data: Array.from(data), dtype: data instanceof Float32Array ? 'float32' : 'int64', shape };
}

function rowsOf({ tokens, logprobs, width }: TokenTable): [number, number][][] {
  return Array.from({ length: tokens.length / width }, (_, row) =>
    Array.from({ length: width }, (_, column): [number, number] => {
      const at = row * width + column;
      return [tokens[at] ?? 0, logprobs[at] ?? 0];
    }),
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
