import { merge } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import { after, as, batch, timeline, withTraining } from './support/marbles.js';

/** Delays the sends of one operation. */
function slowSend(t: Parameters<Parameters<typeof withTraining>[1]>[0], operation: string, frames: number): void {
  const send = t.transport.send.bind(t.transport);
  t.transport.send = (request) =>
    request.path.endsWith(operation) ? after(t.scheduler, frames, () => send(request)) : send(request);
}

describe('an unsubscribe', () => {
  it('that leaves other subscribers detaches that one only', () => {
    withTraining({ answers: { optimStep: '----a' } }, (t) => {
      const operation = t.training.optimStep();
      t.expectObservable(operation.pipe(as('o')), '^-!').toBe('---');
      t.expectObservable(operation.pipe(as('o'))).toBe('----(o|)');
    });
  });

  it('of the last while queued takes it out of the lane, without a seq_id; subscribing again queues it at the end', () => {
    withTraining({ answers: { optimStep: '-a', saveState: '-a', forwardBackward: '-a' } }, (t) => {
      slowSend(t, 'optim_step', 5);
      const saving = t.training.saveState('s');
      t.training.optimStep().subscribe();
      const waiting = saving.subscribe();
      t.training.forwardBackward(batch(), 'cross_entropy').subscribe();
      t.scheduler.schedule(() => {
        waiting.unsubscribe();
      }, 2);
      t.scheduler.schedule(() => saving.subscribe(), 20);
      t.flush();
      expect(timeline(t.transport.requests)).toEqual([
        '5: optim_step 1',
        '5: forward_backward 2',
        '20: save_weights 3',
      ]);
    });
  });

  it('of the last while queued, taken back at once, sends it once', () => {
    withTraining({ answers: { optimStep: '-a', saveState: '-a' } }, (t) => {
      slowSend(t, 'optim_step', 5);
      t.training.optimStep().subscribe();
      const saving = t.training.saveState('s');
      saving.subscribe().unsubscribe();
      t.expectObservable(saving.pipe(as('s'))).toBe('------(s|)');
      t.flush();
      expect(t.transport.sent).toEqual(['optim_step 1', 'save_weights 2']);
    });
  });

  it('of the last during the POST lets it go on; subscribing again shares its result', () => {
    withTraining({ answers: { optimStep: '-a', saveState: '-a' } }, (t) => {
      slowSend(t, 'optim_step', 5);
      const operation = t.training.optimStep();
      t.expectObservable(operation, '^-!').toBe('---');
      t.expectObservable(t.training.saveState('s').pipe(as('s'))).toBe('------(s|)');
      t.expectObservable(operation.pipe(as('o')), '----------^').toBe('----------(o|)');
      t.flush();
      expect(t.transport.sent).toEqual(['optim_step 1', 'save_weights 2']);
    });
  });

  it('of the last while polling stops the polls; subscribing again resumes them', () => {
    withTraining({ answers: { optimStep: '----------a' } }, (t) => {
      const operation = t.training.optimStep();
      t.expectObservable(operation, '^--!').toBe('----');
      t.expectObservable(operation.pipe(as('o')), '-----^').toBe('----------(o|)');
      t.flush();
      const polls = t.transport.requests.filter(({ body }) => JSON.stringify(body ?? '').includes('optim_step:0'));
      expect(polls.map(({ frame }) => frame)).toEqual([0, 5]);
      expect(t.transport.sent).toEqual(['optim_step 1']);
    });
  });
});

describe('the signal of a method', () => {
  it('ends a queued operation for all subscribers, later ones too, without a seq_id', () => {
    withTraining({ answers: { optimStep: '-a', saveState: '-a' } }, (t) => {
      slowSend(t, 'optim_step', 5);
      const controller = new AbortController();
      const saving = t.training.saveState('s', { signal: controller.signal });
      const codes: string[] = [];
      const note = { error: (error: TinkerError) => codes.push(error.code) };
      t.training.optimStep().subscribe();
      saving.subscribe(note);
      saving.subscribe(note);
      t.scheduler.schedule(() => {
        controller.abort(new Error('enough'));
      }, 2);
      t.scheduler.schedule(() => saving.subscribe(note), 20);
      t.flush();
      expect(codes).toEqual(['aborted', 'aborted', 'aborted']);
      expect(t.transport.sent).toEqual(['optim_step 1']);
    });
  });

  it('aborted during the POST frees the callers; what was sent is finished', () => {
    withTraining({ answers: { optimStep: '-a', saveState: '-a' } }, (t) => {
      slowSend(t, 'optim_step', 5);
      const controller = new AbortController();
      const codes: [number, string][] = [];
      t.training
        .optimStep({}, { signal: controller.signal })
        .subscribe({ error: (error: TinkerError) => codes.push([t.scheduler.now(), error.code]) });
      t.training.saveState('s').subscribe();
      t.scheduler.schedule(() => {
        controller.abort();
      }, 2);
      t.flush();
      expect(codes).toEqual([[2, 'aborted']]);
      expect(t.transport.sent).toEqual(['optim_step 1', 'save_weights 2']);
    });
  });

  it('aborted before the call is known at the subscription', () => {
    withTraining({}, (t) => {
      const codes: string[] = [];
      t.training
        .optimStep({}, { signal: AbortSignal.abort() })
        .subscribe({ error: (error: TinkerError) => codes.push(error.code) });
      t.flush();
      expect(codes).toEqual(['aborted']);
      expect(t.transport.sent).toEqual([]);
    });
  });
});

describe('progress$', () => {
  it('tells queued, chunks, sent, queue states and the end', () => {
    withTraining({ answers: { forwardBackward: '--p--a' } }, (t) => {
      const operation = t.training.forwardBackward(batch(200), 'cross_entropy');
      const told: unknown[] = [];
      operation.progress$.subscribe({ next: (progress) => told.push(progress), complete: () => told.push('complete') });
      operation.subscribe();
      t.flush();
      expect(told).toEqual([
        { type: 'queued' },
        { type: 'chunk', chunk: 1, chunks: 2, seqId: 1 },
        { type: 'chunk', chunk: 2, chunks: 2, seqId: 2 },
        { type: 'sent', seqIds: [1, 2] },
        { type: 'queueState', state: 'paused_rate_limit' },
        { type: 'queueState', state: 'active' },
        { type: 'queueState', state: 'paused_rate_limit' },
        { type: 'queueState', state: 'active' },
        { type: 'done' },
        'complete',
      ]);
    });
  });

  it('replays the latest to who comes late', () => {
    withTraining({ answers: { optimStep: '--#' } }, (t) => {
      const operation = t.training.optimStep();
      operation.subscribe({ error: () => undefined });
      t.flush();
      const told: string[] = [];
      operation.progress$.subscribe(({ type }) => told.push(type));
      expect(told).toEqual(['failed']);
    });
  });
});

describe('the streams of a client', () => {
  it('tell events and metrics of what was sent, and complete on unload', () => {
    withTraining(
      {
        answers: { forwardBackward: '--a', optimStep: '---b', unloadModel: '-a' },
        values: { b: { metrics: { 'grad_norm:mean': 2 } } },
      },
      (t) => {
        const events: string[] = [];
        t.training.events$.subscribe({
          next: ({ type, operation, seqIds, time }) => events.push(`${time} ${type} ${operation} ${seqIds.join()}`),
          complete: () => events.push('complete'),
        });
        const metrics: unknown[] = [];
        t.training.metrics$.subscribe({
          next: (value) => metrics.push(value),
          complete: () => metrics.push('complete'),
        });
        merge(t.training.forwardBackward(batch(), 'cross_entropy'), t.training.optimStep()).subscribe();
        t.scheduler.schedule(() => t.training.unloadModel().subscribe(), 10);
        t.flush();
        expect(events).toEqual([
          '0 sent forward_backward 1',
          '0 sent optim_step 2',
          '2 done forward_backward 1',
          '3 done optim_step 2',
          'complete',
        ]);
        expect(metrics).toEqual([
          { operation: 'forward_backward', seqId: 1, step: 0, metrics: { 'loss:sum': 1 }, time: 2 },
          { operation: 'optim_step', seqId: 2, step: 0, metrics: { 'grad_norm:mean': 2 }, time: 3 },
          'complete',
        ]);
      },
    );
  });

  it('replay the queue state, and warn of a pause at most once in 60 s', () => {
    const warnings: string[] = [];
    const log = {
      debug: () => undefined,
      info: () => undefined,
      error: () => undefined,
      warn: (m: string) => warnings.push(m),
    };
    withTraining(
      { answers: { optimStep: ['-p 1s p-a', '-p-a', '-p-a'] } },
      (t) => {
        const states: string[] = [];
        t.training.queueState$.subscribe(({ state }) => states.push(state));
        const step = () => t.training.optimStep().subscribe();
        step();
        t.scheduler.schedule(step, 10_000);
        t.scheduler.schedule(step, 70_000);
        t.flush();
        expect(states).toEqual([
          'active',
          ...Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? 'paused_rate_limit' : 'active')),
        ]);
        expect(warnings).toEqual(
          Array.from(
            { length: 2 },
            () => 'Training is paused for model. Reason: concurrent training clients rate limit hit',
          ),
        );
      },
      { log },
    );
  });
});
