import { EMPTY, type Observable, catchError, map, mergeMap, takeUntil, tap, throwError } from 'rxjs';
import { TinkerError } from '../errors.js';
import {
  type CustomLoss,
  type CustomLossResult,
  type Evaluation,
  type UploadableLoss,
  withEvaluation,
} from '../losses/index.js';
import { isDefiniteRefusal } from '../transport/retryTable.js';
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
  type SentChunk,
  awaitChunks,
  checkLimits,
  sendChunks,
  seqIdsOf,
} from './forwardBackwardWork.js';
import { announce, whenClean } from './laneWork.js';
import type { ModelContext } from './modelContext.js';
import type { OperationContext, OperationWork } from './operationWork.js';
import type { CustomLossOptions } from './trainingOptions.js';

interface SentLoss {
  readonly pass: BatchPass;
  readonly chunks: readonly SentChunk[];
  /** The result in the loss's own words. */
  readonly finish: (output: ForwardBackwardOutput) => ForwardBackwardOutput;
}

const type = 'forward_backward_custom';

/**
 * The work of a custom loss C. Where the server can compute it: its upload, and one pass. Else: a forward pass, the loss
 * on its logprobs p here, and a pass of cross_entropy with weights −∂C/∂p, whose gradient is that of C. The lane is held
 * from the first send to the last.
 */
export function customLossWork(
  model: ModelContext,
  data: readonly Datum[],
  loss: CustomLoss,
  options: CustomLossOptions,
): OperationWork<SentLoss, ForwardBackwardOutput> {
  checkLimits(options);
  const passOf = (prepared: readonly PreparedDatum[], forwardOnly: boolean): BatchPass => ({
    data: prepared,
    loss: 'cross_entropy',
    lossConfig: {},
    forwardOnly,
    limits: options,
  });
  const forward = passOf(validateData(data.map(withoutLocalInputs), 'cross_entropy'), true);
  let seqIds: readonly number[] = [];

  const sendLast = (pass: BatchPass, context: OperationContext, finish: SentLoss['finish']): Observable<SentLoss> =>
    sendChunks(model, pass, context).pipe(
      tap((chunks) => {
        seqIds = seqIdsOf(chunks);
        context.report({ type: 'sent', seqIds });
        announce(model, { type: 'sent', operation: type, seqIds });
      }),
      map((chunks) => ({ pass, chunks, finish })),
    );

  const twoPasses = (evaluation: Evaluation, context: OperationContext): Observable<SentLoss> =>
    sendChunks(model, forward, context).pipe(
      // Between the sends the work may stop: what was sent computes no gradient.
      mergeMap((chunks) =>
        context.isWanted()
          ? awaitChunks(model, forward, chunks, context).pipe(
              mergeMap((output) => evaluation.evaluateCustomLoss(loss, data, logprobsOf(output, data.length))),
              takeUntil(context.abandoned$),
            )
          : EMPTY,
      ),
      mergeMap((result) => {
        const pass = passOf(
          forward.data.map((datum, index) => withWeights(datum, result.gradients[index])),
          false,
        );
        return sendLast(pass, context, (output) => withLoss(output, result));
      }),
    );

  const onePass = (
    { inputs, readMetrics }: UploadableLoss,
    lossId: string,
    evaluation: Evaluation,
    context: OperationContext,
  ): Observable<SentLoss> => {
    const pass: BatchPass = {
      ...forward,
      data: forward.data.map((datum, index) => withInputs(datum, inputs[index])),
      loss: 'custom',
      lossConfig: { loss_id: lossId },
      forwardOnly: false,
    };
    const finish = (output: ForwardBackwardOutput): ForwardBackwardOutput => ({
      ...output,
      metrics: readMetrics(output.metrics),
    });
    return sendLast(pass, context, finish).pipe(
      catchError((error: unknown) => {
        // What was refused was not run; computed here, an error names the datum.
        if (!(error instanceof TinkerError) || !isDefiniteRefusal(error)) return throwError(() => error);
        model.connection.log.debug(`A custom loss is computed here, as its pass was refused: ${error.message}`);
        return context.isWanted() ? twoPasses(evaluation, context) : EMPTY;
      }),
    );
  };

  const send = (evaluation: Evaluation, context: OperationContext): Observable<SentLoss> => {
    if (!context.isWanted()) return EMPTY;
    const upload = uploadOf(evaluation, model, loss, data, forward.data, options);
    if (upload === undefined) return twoPasses(evaluation, context);
    const id$ = model.uploadedLosses.idOf(upload).pipe(takeUntil(context.abandoned$));
    return id$.pipe(
      mergeMap((lossId) => {
        if (!context.isWanted()) return EMPTY;
        return lossId === undefined ? twoPasses(evaluation, context) : onePass(upload, lossId, evaluation, context);
      }),
    );
  };

  return {
    type,
    modelId: model.modelId,
    send: (context) => whenClean(model, () => withEvaluation((evaluation) => send(evaluation, context))),
    poll: ({ pass, chunks, finish }, context) => awaitChunks(model, pass, chunks, context).pipe(map(finish)),
    settled: (outcome) => {
      if ('error' in outcome) announce(model, { type: 'failed', operation: type, seqIds, error: outcome.error });
      else announce(model, { type: 'done', operation: type, seqIds }, outcome.value.metrics);
    },
  };
}

/** The loss as one to upload, where the server takes such and it can be one. */
function uploadOf(
  { uploadableLoss }: Evaluation,
  { flags, connection }: ModelContext,
  loss: CustomLoss,
  data: readonly Datum[],
  prepared: readonly PreparedDatum[],
  { upload = true }: CustomLossOptions,
): UploadableLoss | undefined {
  if (!upload || !flags.customLossServerSide) return undefined;
  const shapes = prepared.map(({ lossFnInputs }) => lossFnInputs.target_tokens?.shape ?? []);
  const uploadable = uploadableLoss(loss, data, shapes);
  if (!('reason' in uploadable)) return uploadable;
  connection.log.debug(`A custom loss is computed here: ${uploadable.reason}.`);
  return undefined;
}

/** A datum with what an uploaded loss reads of it. */
function withInputs(
  { lossFnInputs, ...datum }: PreparedDatum,
  inputs: UploadableLoss['inputs'][number] = {},
): PreparedDatum {
  const { target_tokens: targets } = lossFnInputs;
  return { ...datum, lossFnInputs: { ...(targets !== undefined && { target_tokens: targets }), ...inputs } };
}

/** What the server needs of a datum: targets, and weights if there are any; the other inputs stay here. */
function withoutLocalInputs({ lossFnInputs = {}, ...datum }: Datum, index: number): Datum {
  const targetTokens = lossFnInputs.targetTokens ?? lossFnInputs.target_tokens;
  if (targetTokens === undefined) return datum;
  const targets = toTensorData(targetTokens, 'int64', `data[${index}].lossFnInputs.targetTokens`);
  const weights = lossFnInputs.weights ?? new TensorData(new Float32Array(targets.length), targets.shape);
  return { ...datum, lossFnInputs: { targetTokens: targets, weights } };
}

function logprobsOf({ lossFnOutputs }: ForwardBackwardOutput, count: number): TensorData[] {
  const found = lossFnOutputs.map((record) => record.logprobs).filter((tensor) => tensor !== undefined);
  if (found.length === count) return found;
  throw new TinkerError(
    'invalid_response',
    `Expected logprobs of ${count} datums from the forward pass, got those of ${found.length}.`,
  );
}

function withWeights({ lossFnInputs, ...datum }: PreparedDatum, gradient: Float32Array | undefined): PreparedDatum {
  const targets = lossFnInputs.target_tokens;
  if (targets === undefined) throw new TinkerError('invalid_loss', 'A custom loss needs target tokens.');
  const weights = new TensorData(
    Float32Array.from(gradient ?? [], (value) => -value),
    targets.shape,
  );
  return { ...datum, lossFnInputs: { target_tokens: targets, weights } };
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
