import { concat, defer, merge, mergeMap, of, range, retry, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import { MarbleTransport } from '../../src/testing/index.js';
import { after, as, batch, timeline, withTraining } from './support/marbles.js';

const refused = MarbleTransport.response(400, { detail: 'no such thing' });

describe('order', () => {
  it('sends an optimizer step while the pass before it still computes', () => {
    withTraining({ answers: { forwardBackward: '----a', optimStep: '------a' } }, (t) => {
      const steps = merge(
        t.training.forwardBackward(batch(), 'cross_entropy').pipe(as('f')),
        t.training.optimStep().pipe(as('o')),
      );
      t.expectObservable(steps).toBe('----f-(o|)');
      t.flush();
      expect(timeline(t.transport.requests)).toEqual(['0: forward_backward 1', '0: optim_step 2']);
    });
  });

  it('waits between operations that are concatenated', () => {
    withTraining({ answers: { forwardBackward: '----a', optimStep: '--a' } }, (t) => {
      const steps = concat(t.training.forwardBackward(batch(), 'cross_entropy'), t.training.optimStep()).pipe(as('x'));
      t.expectObservable(steps).toBe('----x-(x|)');
      t.flush();
      expect(timeline(t.transport.requests)).toEqual(['0: forward_backward 1', '4: optim_step 2']);
    });
  });

  it('gives seq_ids in the order of subscription, whatever the order of the calls', () => {
    withTraining({}, (t) => {
      const first = t.training.optimStep();
      const second = t.training.saveState('s');
      merge(second, first).subscribe();
      t.flush();
      expect(t.transport.sent).toEqual(['save_weights 1', 'optim_step 2']);
    });
  });

  it('sends one operation at a time, however long a send takes', () => {
    withTraining({ answers: { optimStep: '-a', saveState: '-a' } }, (t) => {
      const send = t.transport.send.bind(t.transport);
      t.transport.send = (request) =>
        request.path.endsWith('optim_step') ? after(t.scheduler, 5, () => send(request)) : send(request);
      const all = merge(t.training.optimStep().pipe(as('o')), t.training.saveState('s').pipe(as('s')));
      t.expectObservable(all).toBe('------(os|)');
      t.flush();
      expect(timeline(t.transport.requests)).toEqual(['5: optim_step 1', '5: save_weights 2']);
    });
  });

  it('counts 1 to 100 over 50 pairs in one pipeline', () => {
    withTraining({ answers: { forwardBackward: '--a', optimStep: '--a' } }, (t) => {
      range(0, 50)
        .pipe(mergeMap(() => merge(t.training.forwardBackward(batch(), 'cross_entropy'), t.training.optimStep())))
        .subscribe();
      t.flush();
      expect(t.transport.sent).toEqual(
        Array.from({ length: 100 }, (_, i) => `${i % 2 === 0 ? 'forward_backward' : 'optim_step'} ${i + 1}`),
      );
    });
  });

  it('polls the oldest four promises at most', () => {
    withTraining({ answers: { optimStep: '----a' } }, (t) => {
      merge(...Array.from({ length: 6 }, () => t.training.optimStep())).subscribe();
      t.flush();
      const polls = t.transport.requests.filter(({ operation }) => operation === 'retrieve_future');
      const optimizer = polls.filter(({ body }) => JSON.stringify(body).includes('optim_step'));
      expect(optimizer.map(({ frame }) => frame)).toEqual([0, 0, 0, 0, 4, 4]);
    });
  });
});

describe('laziness', () => {
  it('sends nothing before the first subscription, nor for progress$', () => {
    withTraining({}, (t) => {
      const operation = t.training.optimStep();
      t.expectObservable(operation.progress$, '^---!').toBe('-----');
      t.flush();
      expect(t.transport.sent).toEqual([]);
    });
  });

  it('throws at the call for a wrong argument', () => {
    withTraining({}, (t) => {
      expect(() => t.training.optimStep({ learningRate: NaN })).toThrow(/learningRate/);
      expect(() => t.training.forwardBackward([], 'cross_entropy')).toThrow(/non-empty/);
      expect(() => t.training.saveState('../x')).toThrow(/checkpoint name/);
      expect(t.transport.sent).toEqual([]);
    });
  });

  it('shares one result with later subscribers', () => {
    withTraining({ answers: { optimStep: '--a' } }, (t) => {
      const operation = t.training.optimStep();
      t.expectObservable(operation.pipe(as('o'))).toBe('--(o|)');
      t.expectObservable(operation.pipe(as('o')), '-^').toBe('--(o|)');
      t.expectObservable(operation.pipe(as('o')), '----^').toBe('----(o|)');
      t.flush();
      expect(t.transport.sent).toEqual(['optim_step 1']);
    });
  });

  it('sends again when the method is called again', () => {
    withTraining({ answers: { optimStep: ['--#', '--a'] } }, (t) => {
      t.expectObservable(defer(() => t.training.optimStep()).pipe(as('o'), retry(1))).toBe('----(o|)');
      t.flush();
      expect(t.transport.sent).toEqual(['optim_step 1', 'optim_step 2']);
    });
  });
});

describe('seq_id', () => {
  it('is given back by a definite refusal and used by the next send', () => {
    let count = 0;
    withTraining(
      { intercept: ({ operation }) => (operation === 'save_weights' && count++ === 0 ? of(refused) : undefined) },
      (t) => {
        const errors: unknown[] = [];
        t.training.saveState('a').subscribe({ error: (error: unknown) => errors.push(error) });
        t.training.optimStep().subscribe();
        t.flush();
        expect(t.transport.sent).toEqual(['save_weights 1', 'optim_step 1']);
        expect(errors).toEqual([expect.objectContaining({ code: 'bad_request' })]);
      },
    );
  });

  it('is kept over retries of a send whose outcome is unknown', () => {
    let count = 0;
    withTraining(
      {
        intercept: ({ operation }) =>
          operation === 'optim_step' && count++ < 2
            ? throwError(() => new TinkerError('connection_failed', 'reset', { retryable: true }))
            : undefined,
      },
      (t) => {
        merge(t.training.optimStep(), t.training.optimStep()).subscribe();
        t.flush();
        expect(t.transport.sent).toEqual(['optim_step 1', 'optim_step 1', 'optim_step 1', 'optim_step 2']);
      },
    );
  });
});

describe('chunks', () => {
  it('are sent one after another and answered with one result', () => {
    withTraining(
      { answers: { forwardBackward: ['---a', '---b', '---c'] }, values: { b: { metrics: { 'loss:sum': 5 } } } },
      (t) => {
        const loss: number[] = [];
        t.training
          .forwardBackward(batch(300), 'cross_entropy')
          .subscribe(({ metrics }) => loss.push(metrics['loss:sum'] ?? NaN));
        t.flush();
        expect(t.transport.sent).toEqual(['forward_backward 1', 'forward_backward 2', 'forward_backward 3']);
        expect(loss).toEqual([7]);
      },
    );
  });

  it('wait for a promise each, not for a result', () => {
    withTraining(
      {
        answers: { forwardBackward: '-----a' },
      },
      (t) => {
        t.training.forwardBackward(batch(256), 'cross_entropy').subscribe();
        t.flush();
        expect(timeline(t.transport.requests)).toEqual(['0: forward_backward 1', '0: forward_backward 2']);
      },
    );
  });

  it('go on when one is refused; the rest of the queue fails with gradient_dirty until acceptGradient', () => {
    let count = 0;
    withTraining(
      { intercept: ({ operation }) => (operation === 'forward_backward' && count++ === 1 ? of(refused) : undefined) },
      (t) => {
        const outcomes: unknown[] = [];
        const note = {
          next: () => outcomes.push('ok'),
          error: (error: TinkerError) => outcomes.push([error.code, error.details.accepted, error.details.failed]),
        };
        t.training.forwardBackward(batch(300), 'cross_entropy').subscribe(note);
        t.training.optimStep().subscribe(note);
        t.flush();
        expect(t.transport.sent).toEqual(['forward_backward 1', 'forward_backward 2', 'forward_backward 2']);
        expect(outcomes).toEqual([
          ['partial_gradient', [0, 2], [1]],
          ['gradient_dirty', [0, 2], [1]],
        ]);
        t.training.acceptGradient();
        t.training.optimStep().subscribe(note);
        t.flush();
        expect(t.transport.sent.at(-1)).toBe('optim_step 3');
        expect(outcomes.at(-1)).toBe('ok');
      },
    );
  });

  it('that fail while computing make the gradient dirty until a load succeeds', () => {
    withTraining({ answers: { forwardBackward: ['-a', '-#'], loadState: '-a', optimStep: 'a' } }, (t) => {
      const outcomes: unknown[] = [];
      const note = { next: () => outcomes.push('ok'), error: (error: TinkerError) => outcomes.push(error.code) };
      const later = (frames: number, call: () => void) => t.scheduler.schedule(call, frames);
      t.training.forwardBackward(batch(200), 'cross_entropy').subscribe(note);
      later(5, () => t.training.optimStep().subscribe(note));
      later(6, () => t.training.loadState('tinker://model/weights/x').subscribe(note));
      later(9, () => t.training.optimStep().subscribe(note));
      t.flush();
      expect(outcomes).toEqual(['partial_gradient', 'gradient_dirty', 'ok', 'ok']);
      expect(t.transport.sent).toEqual(['forward_backward 1', 'forward_backward 2', 'load_weights 3', 'optim_step 4']);
    });
  });
});

describe('failure', () => {
  it('of one operation leaves the lane open and names what was sent behind it', () => {
    withTraining({ answers: { forwardBackward: '---#', optimStep: '----a' } }, (t) => {
      let failure: TinkerError | undefined;
      t.training
        .forwardBackward(batch(), 'cross_entropy')
        .subscribe({ error: (error: TinkerError) => (failure = error) });
      t.expectObservable(t.training.optimStep().pipe(as('o'))).toBe('----(o|)');
      t.flush();
      expect(failure?.code).toBe('request_failed');
      expect(failure?.details).toMatchObject({
        operation: 'forward_backward',
        seqId: 1,
        laterSent: [{ type: 'optim_step', seqId: 2 }],
      });
    });
  });

  it('of one in ten operations concerns that one only', () => {
    withTraining({ answers: { optimStep: ['a', 'a', '-#', 'a'] } }, (t) => {
      const outcomes: string[] = [];
      range(0, 10)
        .pipe(
          mergeMap(() => t.training.optimStep().pipe(as('ok'), (source) => defer(() => source)), 10),
          toArray(),
        )
        .subscribe({ error: (error: TinkerError) => outcomes.push(error.code) });
      t.flush();
      expect(t.transport.sent).toHaveLength(10);
      expect(outcomes).toEqual(['request_failed']);
    });
  });

  it('closes the lane for good when a send has no known outcome after sendDeadline', () => {
    const down = throwError(() => new TinkerError('connection_failed', 'nothing listens there', { retryable: true }));
    withTraining(
      { intercept: ({ operation }) => (operation === 'optim_step' ? down : undefined) },
      (t) => {
        const errors: [number, TinkerError][] = [];
        const note = { error: (error: TinkerError) => errors.push([t.scheduler.now(), error]) };
        t.training.optimStep().subscribe(note);
        t.training.saveState('never').subscribe(note);
        t.flush();
        t.training.saveState('later').subscribe(note);
        t.flush();
        expect(errors.map(([, { code }]) => code)).toEqual(['lane_broken', 'lane_broken', 'lane_broken']);
        expect(errors[0]?.[0]).toBeLessThanOrEqual(20_000);
        expect(errors[2]?.[0]).toBe(errors[0]?.[0]);
        expect(errors[1]?.[1].message).toMatch(/optim_step with seq_id 1.*createTrainingClientFromStateWithOptimizer/s);
        expect(t.transport.sent.every((sent) => sent === 'optim_step 1')).toBe(true);
      },
      { sendDeadlineMs: 20_000 },
    );
  });

  it('does not count pauses for 429 against sendDeadline', () => {
    let count = 0;
    withTraining(
      {
        intercept: ({ operation }) =>
          operation === 'optim_step' && count++ < 5
            ? of({ ...MarbleTransport.response(429, { detail: 'slow down' }), headers: { 'retry-after': '10' } })
            : undefined,
      },
      (t) => {
        t.expectObservable(t.training.optimStep().pipe(as('o'))).toBe('50s (o|)');
        t.flush();
      },
      { sendDeadlineMs: 20_000 },
    );
  });

  it('of polling without an answer is connection_lost, and subscribing again resumes it', () => {
    let up = false;
    withTraining(
      {
        answers: { optimStep: '-a' },
        intercept: ({ operation, body }) =>
          operation === 'retrieve_future' && !up && JSON.stringify(body).includes('optim_step')
            ? throwError(() => new TinkerError('connection_failed', 'reset', { retryable: true }))
            : undefined,
      },
      (t) => {
        const operation = t.training.optimStep();
        const errors: TinkerError[] = [];
        operation.subscribe({ error: (error: TinkerError) => errors.push(error) });
        t.flush();
        expect(errors.map(({ code, retryable }) => [code, retryable])).toEqual([['connection_lost', true]]);
        up = true;
        const values: string[] = [];
        operation.pipe(as('o')).subscribe((value) => values.push(value));
        t.flush();
        expect(values).toEqual(['o']);
        expect(t.transport.sent).toEqual(['optim_step 1']);
      },
      { silenceDeadlineMs: 10_000 },
    );
  });

  it('is replayed asynchronously and not retryable', () => {
    withTraining({ answers: { optimStep: '-#' } }, (t) => {
      const operation = t.training.optimStep();
      const seen: boolean[] = [];
      const note = { error: (error: TinkerError) => seen.push(error.retryable) };
      operation.subscribe(note);
      t.flush();
      operation.subscribe(note);
      expect(seen).toEqual([true]);
      t.flush();
      expect(seen).toEqual([true, false]);
      expect(t.transport.sent).toEqual(['optim_step 1']);
    });
  });

  it('of a lost model says so', () => {
    withTraining(
      {
        intercept: ({ operation }) =>
          operation === 'optim_step' ? of(MarbleTransport.response(404, { detail: 'no model' })) : undefined,
      },
      (t) => {
        const errors: TinkerError[] = [];
        t.training.optimStep().subscribe({ error: (error: TinkerError) => errors.push(error) });
        t.flush();
        expect(errors[0]?.code).toBe('model_lost');
        expect(errors[0]?.message).toMatch(/createTrainingClientFromStateWithOptimizer/);
      },
    );
  });

  it('of a save that may replace its name is sent again after a 409', () => {
    let refusals = 1;
    withTraining(
      {
        intercept: ({ operation }) =>
          operation === 'save_weights' && refusals-- > 0
            ? of(MarbleTransport.response(409, { detail: 'by a proxy' }))
            : undefined,
      },
      (t) => {
        const codes: string[] = [];
        t.training.saveState('s', { overwrite: true }).subscribe({
          complete: () => codes.push('saved'),
          error: (error: TinkerError) => codes.push(error.code),
        });
        t.flush();
        expect(codes).toEqual(['saved']);
        expect(t.transport.sent).toEqual(['save_weights 1', 'save_weights 1']);
      },
    );
  });

  it('of a taken name is checkpoint_exists, at once', () => {
    withTraining(
      {
        intercept: ({ operation }) =>
          operation === 'save_weights' ? of(MarbleTransport.response(409, { detail: 'exists' })) : undefined,
      },
      (t) => {
        t.expectObservable(t.training.saveState('s')).toBe(
          '#',
          undefined,
          expect.objectContaining({ code: 'checkpoint_exists' }),
        );
        t.flush();
        expect(t.transport.sent).toEqual(['save_weights 1']);
      },
    );
  });
});

describe('limits of chunks', () => {
  it('are checked at the call', () => {
    withTraining({}, (t) => {
      const pass = (limits: object) => () => t.training.forwardBackward(batch(), 'cross_entropy', limits);
      expect(pass({ maxExamples: 0 })).toThrow('Expected maxExamples to be a whole number ≥ 1, got 0.');
      expect(pass({ maxTokens: 1.5 })).toThrow('Expected maxTokens to be a whole number ≥ 1, got 1.5.');
      const custom = () =>
        t.training.forwardBackwardCustom(batch(), ({ logprobs }) => logprobs.sum(), { maxExamples: -1 });
      expect(custom).toThrow('Expected maxExamples to be a whole number ≥ 1, got -1.');
      t.flush();
      expect(t.transport.sent).toEqual([]);
    });
  });
});
