import { type Observable, defer, ignoreElements, of } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import type { ServiceClient } from '../../src/clients/service.js';
import { TinkerError, type TinkerErrorCode } from '../../src/errors.js';
import type { Logger } from '../../src/log.js';
import { type MarbleRequest, MarbleTransport, marbleService } from '../../src/testing/index.js';
import type { CheckpointEntry, CheckpointLog } from '../../src/training/checkpointLog.js';
import { type ResumableEvent, type ResumableOptions, resumable } from '../../src/training/resumable.js';
import type { TransportResponse } from '../../src/transport/transport.js';
import { ModelInput } from '../../src/wire/index.js';

const STEPS = 6;

const refuse = (status: number, detail = 'refused'): Observable<TransportResponse> =>
  of(MarbleTransport.response(status, { detail }));

const failed = (category: string): Observable<TransportResponse> =>
  of(MarbleTransport.response(200, { error: 'it went wrong', category }));

interface Setting {
  /** Answers in the server's place. */
  readonly intercept?: (request: MarbleRequest) => Observable<TransportResponse> | undefined;
  /** Checkpoints of an earlier process. */
  readonly entries?: readonly CheckpointEntry[];
  readonly options?: Partial<ResumableOptions>;
  /** Called with the service before the run begins. */
  readonly during?: (service: ServiceClient, scheduler: TestScheduler) => unknown;
  readonly unsubscribeAt?: number;
  /** How long an optimizer step takes, as a marble. */
  readonly optimStep?: string;
}

/** Runs six steps with a checkpoint every two under virtual time. */
function run({ intercept, entries: earlier = [], options = {}, during, unsubscribeAt, optimStep = 'a' }: Setting = {}) {
  const entries = [...earlier];
  const events: ResumableEvent[] = [];
  const starts: number[] = [];
  const warnings: string[] = [];
  let error: TinkerError | undefined;
  const quiet = (): void => undefined;
  const warn = (line: string): void => {
    warnings.push(line);
  };
  const log: Logger = { debug: quiet, info: quiet, warn, error: warn };
  const checkpointLog: CheckpointLog = {
    read: () => defer(() => of([...entries])),
    append: (entry) => defer(() => of(entries.push(entry))).pipe(ignoreElements()),
  };
  const scheduler = new TestScheduler(() => undefined);
  let requests: readonly MarbleRequest[] = [];
  scheduler.run(({ flush }) => {
    const { service, transport } = marbleService(
      { scheduler, answers: { optimStep }, ...(intercept && { intercept }) },
      { log },
    );
    requests = transport.requests;
    const all = resumable(service, {
      run: 'r',
      log: checkpointLog,
      model: { baseModel: 'marble/model' },
      batches: (startStep) => {
        starts.push(startStep);
        // The batch of step n is n + 1 tokens long.
        return Array.from({ length: STEPS - startStep }, (_, index) => [
          { modelInput: ModelInput.fromTokens(Array.from({ length: startStep + index + 2 }, () => 1)) },
        ]);
      },
      checkpointEvery: 2,
      loss: 'cross_entropy',
      ...options,
    });
    const running = all.subscribe({
      next: (event) => events.push(event),
      error: (cause: TinkerError) => (error = cause),
    });
    during?.(service, scheduler);
    if (unsubscribeAt !== undefined) scheduler.schedule(() => running.unsubscribe(), unsubscribeAt);
    flush();
  });
  const steps = events.flatMap((event) => (event.type === 'step' ? [event.step] : []));
  const waits = events.flatMap((event) => (event.type === 'interrupted' ? [event.waitMs] : []));
  const codes = events.flatMap((event) => (event.type === 'interrupted' ? [causeOf(event.error)] : []));
  const operations = requests.map(({ operation }) => operation);
  return { events, entries, starts, steps, waits, codes, warnings, error, requests, operations };
}

function causeOf({ code, cause }: TinkerError): TinkerErrorCode {
  return code === 'training_failed' && cause instanceof TinkerError ? cause.code : code;
}

/** Gives an answer to the requests of an operation whose numbers, from 1, are given. */
function at(operation: string, numbers: readonly number[], answer: Observable<TransportResponse>) {
  let count = 0;
  return (request: MarbleRequest): Observable<TransportResponse> | undefined =>
    request.operation === operation && numbers.includes((count += 1)) ? answer : undefined;
}

/** Lengths of the batches that were sent. */
const batchLengths = (requests: readonly MarbleRequest[]): number[] =>
  requests.flatMap(({ operation, body }) =>
    operation === 'forward_backward'
      ? [/"tokens":\[([\d,]+)\]/.exec(JSON.stringify(body))?.[1]?.split(',').length ?? 0]
      : [],
  );

describe('resumable', () => {
  it('trains all batches in order, and tells of its start, steps, checkpoints and end', () => {
    const { events, entries, starts, steps, requests } = run();
    expect(steps).toEqual([0, 1, 2, 3, 4, 5]);
    expect(starts).toEqual([0]);
    expect(batchLengths(requests)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(entries.map(({ name, batch }) => [name, batch])).toEqual([
      ['r-000002', 2],
      ['r-000004', 4],
      ['r-000006', 6],
    ]);
    expect(events[0]).toMatchObject({ type: 'started', step: 0 });
    expect(events.at(-1)).toMatchObject({ type: 'finished', entry: { batch: 6 } });
    expect(events.filter(({ type }) => type === 'checkpoint')).toHaveLength(3);
  });

  it('goes back to the last checkpoint and its batch: none is left out, and none is twice in what survives', () => {
    // The sixth optimizer step is that of the last batch.
    const { events, starts, steps, requests, codes, operations } = run({
      intercept: at('optim_step', [6], refuse(404)),
    });
    expect(codes).toEqual(['model_lost']);
    expect(starts).toEqual([0, 4]);
    expect(steps).toEqual([0, 1, 2, 3, 4, 4, 5]);
    expect(batchLengths(requests).slice(-2)).toEqual([5, 6]);
    expect(events.filter(({ type }) => type === 'started')).toMatchObject([
      { step: 0 },
      { step: 4, from: { name: 'r-000004', batch: 4 } },
    ]);
    const [load] = requests.filter(({ operation }) => operation === 'load_weights');
    expect(load?.body).toMatchObject({ optimizer: true });
    // The model of the first stretch is not left behind.
    expect(operations.filter((operation) => operation === 'unload_model').length).toBeGreaterThanOrEqual(1);
  });

  it('goes on from what an earlier process wrote down, and has nothing to do after the end', () => {
    const entries = [{ name: 'r-000004', batch: 4, statePath: 'tinker://m/weights/r-000004' }];
    expect(run({ entries })).toMatchObject({ starts: [4], steps: [4, 5] });
    const done = [{ name: 'r-000006', batch: 6, statePath: 'tinker://m/weights/r-000006' }];
    const { steps, events, operations } = run({ entries: done });
    expect(steps).toEqual([]);
    expect(events.map(({ type }) => type)).toEqual(['started', 'finished']);
    expect(operations).not.toContain('save_weights');
  });

  it('saves the steps behind the last checkpoint at the end', () => {
    expect(run({ options: { checkpointEvery: 4 } }).entries.map(({ batch }) => batch)).toEqual([4, 6]);
  });

  it('gives up after maxResumes without a new checkpoint, with growing waits', () => {
    const { error, waits, warnings } = run({
      intercept: ({ operation }) => (operation === 'optim_step' ? refuse(404) : undefined),
      options: { maxResumes: 4 },
    });
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(error && causeOf(error)).toBe('model_lost');
    expect(warnings.filter((line) => line.includes('was interrupted'))).toHaveLength(4);
    expect(run({ intercept: at('optim_step', [1], refuse(404)), options: { maxResumes: 0 } }).waits).toEqual([]);
  });

  it('counts anew after each checkpoint', () => {
    // Three failures, never two in a row without a checkpoint between them.
    const intercept = at('optim_step', [3, 6, 9], refuse(404));
    const { waits, error, steps } = run({ intercept, options: { maxResumes: 1 } });
    expect(error).toBeUndefined();
    expect(waits.length).toBeGreaterThanOrEqual(2);
    expect(new Set(waits)).toEqual(new Set([1_000]));
    expect(steps.at(-1)).toBe(5);
  });

  it.each([
    ['an evicted promise', 'promise_expired', at('retrieve_future', [4], refuse(410))],
    ['an unloaded model', 'model_lost', at('forward_backward', [3], refuse(404))],
    ['a failure of the server', 'request_failed', at('retrieve_future', [4], failed('server'))],
    ['a lost session', 'model_lost', at('optim_step', [3], refuse(404, 'no such session'))],
  ] as const)('goes on over %s', (_, code, intercept) => {
    const { codes, error, steps } = run({ intercept });
    expect(codes).toEqual([code]);
    expect(error).toBeUndefined();
    expect(steps.at(-1)).toBe(5);
  });

  it.each([
    ['a user’s error', 'request_failed', at('retrieve_future', [4], failed('user'))],
    ['a refused request', 'bad_request', at('forward_backward', [3], refuse(400))],
    ['a wrong key', 'unauthenticated', at('optim_step', [2], refuse(401))],
  ] as const)('fails at once with %s, which no resume mends', (_, code, intercept) => {
    const { waits, error } = run({ intercept });
    expect(waits).toEqual([]);
    expect(error && causeOf(error)).toBe(code);
  });

  it('fails when its service is closed', () => {
    const { error, waits } = run({
      optimStep: '--a',
      during: (service, scheduler) => scheduler.schedule(() => void service.close(), 3),
    });
    expect(waits).toEqual([]);
    expect(error && causeOf(error)).toBe('closed');
  });

  it.each([
    ['is corrupted', 'retrieve_future', '"load_weights:0"', failed('user')],
    ['is gone', 'load_weights', 'weights/4', refuse(404)],
  ])('passes over a checkpoint that %s, to the one before', (_, broken, mark, answer) => {
    const entries = [2, 4].map((batch) => ({
      name: `r-00000${batch}`,
      batch,
      statePath: `tinker://m/weights/${batch}`,
    }));
    const { starts, warnings, error } = run({
      entries,
      intercept: ({ operation, body }) =>
        operation === broken && JSON.stringify(body).includes(mark) ? answer : undefined,
    });
    expect(error).toBeUndefined();
    expect(starts).toEqual([2]);
    expect(warnings.filter((line) => line.includes("can't be used any more"))).toHaveLength(1);
  });

  it('unloads its model when it is left', () => {
    const { operations, steps } = run({ optimStep: '-----a', unsubscribeAt: 12 });
    expect(steps.length).toBeLessThan(STEPS);
    expect(operations.filter((operation) => operation === 'unload_model')).toHaveLength(1);
  });

  it('says at the call what is wrong', () => {
    expect(() => run({ options: { checkpointEvery: 0 } })).toThrow(/checkpointEvery/);
  });
});
