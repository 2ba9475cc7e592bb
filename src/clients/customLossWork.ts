import { EMPTY, type Observable, map, mergeMap, takeUntil, tap } from 'rxjs';
import { TinkerError } from '../errors.js';
import { type CustomLoss, type CustomLossResult, evaluateCustomLoss } from '../losses/index.js';
import {
  type Datum,
  type ForwardBackwardOutput,
  type PreparedDatum,
  TensorData,
  toTensorData,
  validateData,
} from '../wire/index.js';
import {
  type BatchPass,
  type ChunkLimits,
  type SentChunk,
  awaitChunks,
  sendChunks,
  seqIdsOf,
} from './forwardBackwardWork.js';
import { announce, whenClean } from './laneWork.js';
import type { ModelContext } from './modelContext.js';
import type { OperationContext, OperationWork } from './operationWork.js';

interface SentLoss {
  readonly pass: BatchPass;
  readonly chunks: readonly SentChunk[];
  readonly result: CustomLossResult;
}

const type = 'forward_backward_custom';

/**
 * The work of a custom loss C that runs here: a forward pass, the loss on its logprobs p, and a pass of cross_entropy
 * with weights −∂C/∂p, whose gradient is that of C. The lane is held from the first send to the last.
 */
export function customLossWork(
  model: ModelContext,
  data: readonly Datum[],
  loss: CustomLoss,
  limits: ChunkLimits,
): OperationWork<SentLoss, ForwardBackwardOutput> {
  const passOf = (prepared: readonly PreparedDatum[], forwardOnly: boolean): BatchPass => ({
    data: prepared,
    loss: 'cross_entropy',
    lossConfig: {},
    forwardOnly,
    limits,
  });
  const forward = passOf(validateData(data.map(withoutLocalInputs), 'cross_entropy'), true);
  let seqIds: readonly number[] = [];

  const send = (context: OperationContext): Observable<SentLoss> =>
    sendChunks(model, forward, context).pipe(
      // Between the sends the work may stop: what was sent computes no gradient.
      mergeMap((chunks) =>
        context.isWanted()
          ? awaitChunks(model, forward, chunks, context).pipe(
              mergeMap((output) => evaluate(loss, data, output)),
              takeUntil(context.abandoned$),
            )
          : EMPTY,
      ),
      mergeMap((result) => {
        const pass = passOf(
          forward.data.map((datum, index) => withWeights(datum, result.gradients[index])),
          false,
        );
        return sendChunks(model, pass, context).pipe(
          tap((chunks) => {
            seqIds = seqIdsOf(chunks);
            context.report({ type: 'sent', seqIds });
            announce(model, { type: 'sent', operation: type, seqIds });
          }),
          map((chunks): SentLoss => ({ pass, chunks, result })),
        );
      }),
    );

  return {
    type,
    send: (context) => whenClean(model, () => send(context)),
    poll: ({ pass, chunks, result }, context) =>
      awaitChunks(model, pass, chunks, context).pipe(map((output) => withLoss(output, result))),
    settled: (outcome) => {
      if ('error' in outcome) announce(model, { type: 'failed', operation: type, seqIds, error: outcome.error });
      else announce(model, { type: 'done', operation: type, seqIds }, outcome.value.metrics);
    },
  };
}

/** What the server needs of a datum: targets, and weights if there are any; the other inputs stay here. */
function withoutLocalInputs({ modelInput, lossFnInputs = {} }: Datum, index: number): Datum {
  const targetTokens = lossFnInputs.targetTokens ?? lossFnInputs.target_tokens;
  if (targetTokens === undefined) return { modelInput };
  const targets = toTensorData(targetTokens, 'int64', `data[${index}].lossFnInputs.targetTokens`);
  const weights = lossFnInputs.weights ?? new TensorData(new Float32Array(targets.length), targets.shape);
  return { modelInput, lossFnInputs: { targetTokens: targets, weights } };
}

function evaluate(
  loss: CustomLoss,
  data: readonly Datum[],
  output: ForwardBackwardOutput,
): Observable<CustomLossResult> {
  const logprobs = output.lossFnOutputs.map((record) => record.logprobs);
  const found = logprobs.filter((tensor) => tensor !== undefined);
  if (found.length !== data.length) {
    throw new TinkerError(
      'invalid_response',
      `Expected logprobs of ${data.length} datums from the forward pass, got those of ${found.length}.`,
    );
  }
  return evaluateCustomLoss(loss, data, found);
}

function withWeights({ modelInput, lossFnInputs }: PreparedDatum, gradient: Float32Array | undefined): PreparedDatum {
  const targets = lossFnInputs.target_tokens;
  if (targets === undefined) throw new TinkerError('invalid_loss', 'A custom loss needs target tokens.');
  const weights = new TensorData(
    Float32Array.from(gradient ?? [], (value) => -value),
    targets.shape,
  );
  return { modelInput, lossFnInputs: { target_tokens: targets, weights } };
}

/** `loss:sum` is the custom loss; what the server reports of its own is kept as `surrogate_loss:sum`. */
function withLoss(output: ForwardBackwardOutput, { loss, metrics }: CustomLossResult): ForwardBackwardOutput {
  const { 'loss:sum': surrogate, ...others } = output.metrics;
  return {
    ...output,
    metrics: {
      ...others,
      ...metrics,
      'loss:sum': loss,
      ...(surrogate !== undefined && { 'surrogate_loss:sum': surrogate }),
    },
  };
}
