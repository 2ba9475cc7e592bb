import { type Observable, of } from 'rxjs';
import { checkLimit, splitIntoChunks } from '../../operators/chunkData.js';
import { reduceMetricMaps } from '../../operators/reduceMetrics.js';
import { TinkerError } from '../errors.js';
import { isDefiniteRefusal } from '../transport/retryTable.js';
import { decodeForwardBackwardOutput } from '../wire/codec.js';
import { type PreparedDatum, datumBytes } from '../wire/datum.js';
import type { ForwardBackwardOutput } from '../wire/forwardBackwardOutput.js';
import type { LossName } from '../wire/lossName.js';
import { eachInOrder } from './eachInOrder.js';
import { type SentRequest, announce, awaitResult, inLane, whenClean, withDetails } from './laneWork.js';
import type { ModelContext } from './modelContext.js';
import type { OperationContext, OperationWork } from './operationWork.js';
import { postPass } from './postPass.js';

/** The largest chunk of a batch that is sent as one request. */
export interface ChunkLimits {
  /** Datums; default: the server's limit, 128 where it has none. */
  readonly maxExamples?: number;
  /** Tokens of the model inputs; default 500,000. */
  readonly maxTokens?: number;
}

/** A pass over a batch, ready to be sent. */
export interface BatchPass {
  readonly data: readonly PreparedDatum[];
  /** `custom` for one that was uploaded. */
  readonly loss: LossName | 'custom';
  readonly lossConfig: Readonly<Record<string, number | string>>;
  readonly forwardOnly: boolean;
  readonly limits: ChunkLimits;
}

/** One chunk after its POST: waiting, refused, or with its outcome. */
export interface SentChunk {
  readonly sent?: SentRequest;
  outcome?: { readonly output: ForwardBackwardOutput } | { readonly error: TinkerError };
}

const nameOf = (pass: Pick<BatchPass, 'forwardOnly'>): string => (pass.forwardOnly ? 'forward' : 'forward_backward');

/** The work of one pass: chunks sent one after another, each waiting for its promise only, then polled in order. */
export function forwardBackwardWork(
  model: ModelContext,
  pass: BatchPass,
): OperationWork<readonly SentChunk[], ForwardBackwardOutput> {
  const { data, ...settings } = pass;
  const type = nameOf(settings);
  checkLimits(settings.limits);
  // Its results may be waited for long after it was sent, for which nobody needs the data.
  let unsent = data;
  let seqIds: readonly number[] = [];
  return {
    type,
    modelId: model.modelId,
    send: (context) => whenClean(model, () => sendChunks(model, { ...settings, data: unsent }, context)),
    sent: (chunks, context) => {
      unsent = [];
      seqIds = seqIdsOf(chunks);
      context.report({ type: 'sent', seqIds });
      announce(model, { type: 'sent', operation: type, seqIds });
    },
    poll: (chunks, context) => awaitChunks(model, settings, chunks, context),
    settled: (outcome) => {
      if ('error' in outcome) announce(model, { type: 'failed', operation: type, seqIds, error: outcome.error });
      else announce(model, { type: 'done', operation: type, seqIds }, outcome.value.metrics);
    },
  };
}

/** @throws TinkerError `invalid_argument` for limits that are none */
export function checkLimits({ maxExamples, maxTokens }: ChunkLimits): void {
  if (maxExamples !== undefined) checkLimit('maxExamples', maxExamples);
  if (maxTokens !== undefined) checkLimit('maxTokens', maxTokens);
}

/** The batch in chunks within the user's limits, else the server's, else the documented ones. */
export function chunksOf(
  { flags }: ModelContext,
  { data, limits }: Pick<BatchPass, 'data' | 'limits'>,
): readonly (readonly PreparedDatum[])[] {
  return splitIntoChunks(data, {
    maxExamples: limits.maxExamples ?? flags.fwdbwdMaxChunkLen ?? 128,
    maxTokens: limits.maxTokens ?? 500_000,
    maxBytes: flags.fwdbwdMaxChunkBytesCount ?? Infinity,
    countTokens: tokensOf,
    countBytes: datumBytes,
  });
}

const tokensOf = ({ modelInput }: PreparedDatum): number => modelInput.length;

/** Sends every chunk once the first has begun, whatever becomes of the others. */
export function sendChunks(
  model: ModelContext,
  pass: BatchPass,
  context: OperationContext,
): Observable<readonly SentChunk[]> {
  const chunks = chunksOf(model, pass);
  const type = nameOf(pass);
  return eachInOrder(chunks, {
    begin: (data) =>
      inLane(model, { type }, (seqId) =>
        postPass(model, { ...pass, modelId: model.modelId, seqId, data }, context.span?.headers),
      ),
    take: (sent: SentRequest, _, index): SentChunk => {
      context.report({ type: 'chunk', chunk: index + 1, chunks: chunks.length, seqId: sent.seqId });
      return { sent };
    },
    recover: (error) => {
      if (error instanceof TinkerError && isDefiniteRefusal(error)) return { outcome: { error } };
      throw error;
    },
    finish: (sent) => {
      // A batch refused in part must stop the optimizer step behind it before that is sent.
      if (sent.some(isRefused)) throw failure(model, pass, sent);
      return sent;
    },
  });
}

/** Waits for the chunks in order, and puts their results together; what is already there is not asked for again. */
export function awaitChunks(
  model: ModelContext,
  pass: Pick<BatchPass, 'forwardOnly'>,
  chunks: readonly SentChunk[],
  context: OperationContext,
): Observable<ForwardBackwardOutput> {
  const type = nameOf(pass);
  const request = {
    type,
    requestType: pass.forwardOnly ? 'Forward' : 'ForwardBackward',
    read: decodeForwardBackwardOutput,
  };
  return eachInOrder(chunks, {
    begin: ({ outcome, sent }): Observable<ForwardBackwardOutput | undefined> =>
      outcome !== undefined || sent === undefined ? of(undefined) : awaitResult(model, sent, request, context),
    take: (output, chunk) => {
      if (output !== undefined) chunk.outcome = { output };
    },
    recover: (error, chunk) => {
      if (!(error instanceof TinkerError) || error.code === 'connection_lost') throw error;
      chunk.outcome = { error };
    },
    finish: () => {
      const outputs = chunks.flatMap(({ outcome }) =>
        outcome !== undefined && 'output' in outcome ? [outcome.output] : [],
      );
      if (outputs.length < chunks.length) throw failure(model, pass, chunks);
      return joinOutputs(outputs);
    },
  });
}

/** One result out of those of the chunks: outputs in order, metrics reduced. */
export function joinOutputs(outputs: readonly ForwardBackwardOutput[]): ForwardBackwardOutput {
  const [first] = outputs;
  return {
    lossFnOutputType: first?.lossFnOutputType ?? 'ArrayRecord',
    lossFnOutputs:
      outputs.length === 1 && first !== undefined
        ? first.lossFnOutputs
        : outputs.flatMap((output) => output.lossFnOutputs),
    metrics: reduceMetricMaps(outputs.map(({ metrics, lossFnOutputs }) => ({ metrics, weight: lossFnOutputs.length }))),
  };
}

export function seqIdsOf(chunks: readonly SentChunk[]): readonly number[] {
  return chunks.flatMap((chunk) => (chunk.sent === undefined ? [] : [chunk.sent.seqId]));
}

const isRefused = (chunk: SentChunk): boolean => chunk.sent === undefined;

function failure(model: ModelContext, pass: Pick<BatchPass, 'forwardOnly'>, chunks: readonly SentChunk[]): TinkerError {
  const errors = chunks.map((chunk) =>
    chunk.outcome !== undefined && 'error' in chunk.outcome ? chunk.outcome.error : undefined,
  );
  const failed = errors.flatMap((error, index) => (error === undefined ? [] : [index]));
  const accepted = errors.flatMap((error, index) => (error === undefined ? [index] : []));
  const first = errors.find((error) => error !== undefined) ?? new TinkerError('request_failed', 'A chunk failed.');
  if (pass.forwardOnly || accepted.length === 0) return first;
  const laterSent = model.lane.sentAfter(seqIdsOf(chunks).at(-1) ?? 0);
  const partial = withDetails(
    new TinkerError(
      'partial_gradient',
      `${String(failed.length)} of ${String(chunks.length)} chunks of a batch failed (${failed.join(', ')}), the others were accepted, ` +
        `so the accumulated gradient is part of a batch. First failure: ${first.message} ` +
        'Nothing more is sent to this model until a load succeeds or training.acceptGradient() is called.',
      { cause: first },
    ),
    { accepted, failed, ...(laterSent.length > 0 && { laterSent }) },
  );
  model.lane.markDirty(partial);
  return partial;
}
