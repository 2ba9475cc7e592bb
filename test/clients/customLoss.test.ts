import { type Observable, merge, map, of, switchMap, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { TinkerError } from '../../src/errors.js';
import { type PerDatumLoss, gradientLoss } from '../../src/losses/index.js';
import { type MarbleRequest, MarbleTransport } from '../../src/testing/index.js';
import type { TransportResponse } from '../../src/transport/transport.js';
import { as, batch, timeline, withTraining } from './support/marbles.js';

const outputs = (...values: number[]) => ({
  loss_fn_outputs: [{ logprobs: { data: values, dtype: 'float32', shape: [values.length] } }],
});
const values = { a: outputs(-1, -2) };
const square: PerDatumLoss = ({ logprobs }) => logprobs.mul(logprobs).sum();

describe('a custom loss', () => {
  it('holds the lane from its first send to its last, and takes seq_ids when it sends', () => {
    withTraining({ answers: { forward: '---a', forwardBackward: '--a', optimStep: '-a' }, values }, (t) => {
      const both = merge(
        t.training.forwardBackwardCustom(batch(), square).pipe(map(({ metrics }) => metrics)),
        t.training.optimStep().pipe(as('o')),
      );
      t.expectObservable(both).toBe('----o(m|)', {
        o: 'o',
        m: { 'loss:sum': 5, 'surrogate_loss:sum': 1 },
      });
      t.flush();
      expect(timeline(t.transport.requests)).toEqual(['0: forward 1', '3: forward_backward 2', '3: optim_step 3']);
    });
  });

  it('sends minus its gradient as the weights of cross_entropy', () => {
    withTraining({ values }, (t) => {
      t.training.forwardBackwardCustom(batch(), square).subscribe();
      t.flush();
      const sent = t.transport.requests.find(({ operation }) => operation === 'forward_backward');
      expect(sent?.body).toMatchObject({
        forward_backward_input: {
          loss_fn: 'cross_entropy',
          data: [{ loss_fn_inputs: { target_tokens: { data: [2, 3] }, weights: { data: [2, 4] } } }],
        },
      });
    });
  });

  it('that throws takes no seq_id for its backward pass and leaves the lane open', () => {
    withTraining({ answers: { forward: '--a' }, values }, (t) => {
      const codes: string[] = [];
      const failing = gradientLoss(() => {
        throw new Error('my mistake');
      });
      t.training
        .forwardBackwardCustom(batch(), failing)
        .subscribe({ error: (error: TinkerError) => codes.push(`${error.code}: ${String(error.cause)}`) });
      t.training.optimStep().subscribe();
      t.flush();
      expect(codes).toEqual([expect.stringMatching(/^invalid_loss: .*my mistake/)]);
      expect(timeline(t.transport.requests)).toEqual(['0: forward 1', '2: optim_step 2']);
    });
  });

  it('left while it waits for the forward pass sends no backward pass', () => {
    withTraining({ answers: { forward: '-----a' }, values }, (t) => {
      t.expectObservable(t.training.forwardBackwardCustom(batch(), square), '^--!').toBe('----');
      t.scheduler.schedule(() => t.training.optimStep().subscribe(), 1);
      t.flush();
      expect(timeline(t.transport.requests)).toEqual(['0: forward 1', '3: optim_step 2']);
    });
  });

  it('left and subscribed to again starts anew at the end of the queue', () => {
    withTraining({ answers: { forward: '-----a', forwardBackward: '-a' }, values }, (t) => {
      const operation = t.training.forwardBackwardCustom(batch(), square);
      t.expectObservable(operation, '^--!').toBe('----');
      t.expectObservable(operation.pipe(as('c')), '----------^').toBe('----------------(c|)');
      t.flush();
      expect(timeline(t.transport.requests)).toEqual(['0: forward 1', '10: forward 2', '15: forward_backward 3']);
    });
  });

  it('aborted while it waits sends no backward pass and frees the lane', () => {
    withTraining({ answers: { forward: '-----a' }, values }, (t) => {
      const controller = new AbortController();
      const codes: string[] = [];
      t.training
        .forwardBackwardCustom(batch(), square, { signal: controller.signal })
        .subscribe({ error: (error: TinkerError) => codes.push(error.code) });
      t.training.optimStep().subscribe();
      t.scheduler.schedule(() => {
        controller.abort();
      }, 2);
      t.flush();
      expect(codes).toEqual(['aborted']);
      expect(timeline(t.transport.requests)).toEqual(['0: forward 1', '2: optim_step 2']);
    });
  });

  it('is refused at the call if it is none', () => {
    withTraining({}, (t) => {
      expect(() => t.training.forwardBackwardCustom(batch(), 'cross_entropy' as never)).toThrow(/loss/);
    });
  });
});

describe('a custom loss on a server that takes graphs', () => {
  const json = (body: object, status = 200) => of(MarbleTransport.response(status, body));
  const custom = {
    a: { ...outputs(-1, -2), metrics: { 'loss:sum': 5, 'custom/size:sum': 3 } },
  };
  const measured: PerDatumLoss = ({ logprobs }) => ({
    loss: logprobs.mul(logprobs).sum(),
    metrics: { 'size:sum': logprobs.sum().neg() },
  });
  /** The flag is on; the upload is answered as given. */
  const taking =
    (answer: () => Observable<TransportResponse>) =>
    ({ operation, body }: MarbleRequest): Observable<TransportResponse> | undefined => {
      if (operation === 'config') return json({ custom_loss_server_side: true });
      if (operation === 'create_custom_loss') return answer();
      const isUpload = (body as { request_id?: string } | undefined)?.request_id === 'upload';
      return isUpload ? json({ loss_id: 'loss 1', type: 'create_custom_loss' }) : undefined;
    };
  const taken = (): Observable<TransportResponse> => json({ request_id: 'upload' });

  it('is uploaded once, and costs one pass whose metrics have its own names', () => {
    withTraining({ values: custom, intercept: taking(taken) }, (t) => {
      const results: unknown[] = [];
      for (const call of [1, 2]) {
        t.training.forwardBackwardCustom(batch(call), measured).subscribe(({ metrics }) => results.push(metrics));
      }
      t.flush();
      expect(results).toEqual([
        { 'loss:sum': 5, 'size:sum': 3 },
        { 'loss:sum': 5, 'size:sum': 3 },
      ]);
      const sent = t.transport.requests.filter(({ operation }) => /create_custom|forward/.test(operation));
      expect(sent.map(({ operation, seqId }) => `${operation} ${seqId ?? ''}`)).toEqual([
        'create_custom_loss ',
        'forward_backward 1',
        'forward_backward 2',
      ]);
      expect(sent[0]?.body).toMatchObject({
        session_id: 'session',
        custom_loss_seq_id: 0,
        name: 'measured',
        inputs: [{ name: 'logprobs', rank: 1 }],
        graph: { format: 1 },
      });
      expect(sent[1]?.body).toMatchObject({
        forward_backward_input: {
          loss_fn: 'custom',
          loss_fn_config: { loss_id: 'loss 1' },
          data: [{ loss_fn_inputs: { target_tokens: { data: [2, 3] } } }],
        },
      });
    });
  });

  it('holds the lane while it is uploaded', () => {
    const slow = (): Observable<TransportResponse> => timer(5).pipe(switchMap(taken));
    withTraining({ values: custom, intercept: taking(slow) }, (t) => {
      t.training.forwardBackwardCustom(batch(), measured).subscribe();
      t.training.optimStep().subscribe();
      t.flush();
      expect(timeline(t.transport.requests)).toEqual(['5: forward_backward 1', '5: optim_step 2']);
    });
  });

  it('is computed here where the server refuses it, asked once', () => {
    const refused = (): Observable<TransportResponse> => json({ detail: 'no such function' }, 400);
    const notes: string[] = [];
    const log = { debug: (note: string) => notes.push(note), info: () => 0, warn: () => 0, error: () => 0 };
    withTraining(
      { values, intercept: taking(refused) },
      (t) => {
        for (const loss of [measured, measured]) t.training.forwardBackwardCustom(batch(), loss).subscribe();
        t.flush();
        expect(t.transport.sent).toEqual(['forward 1', 'forward_backward 2', 'forward 3', 'forward_backward 4']);
        expect(t.transport.requests.filter(({ operation }) => operation === 'create_custom_loss')).toHaveLength(1);
        expect(notes.some((note) => /computed here.*no such function/.test(note))).toBe(true);
      },
      { log },
    );
  });

  it('is computed here where its pass is refused, which took no seq_id', () => {
    const intercept = (request: MarbleRequest): Observable<TransportResponse> | undefined => {
      const { loss_fn: loss } = (request.body as { forward_backward_input?: { loss_fn: string } } | undefined)
        ?.forward_backward_input ?? { loss_fn: '' };
      return loss === 'custom' ? json({ detail: 'not these data' }, 400) : taking(taken)(request);
    };
    withTraining({ values, intercept }, (t) => {
      const results: number[] = [];
      t.training
        .forwardBackwardCustom(batch(), measured)
        .subscribe(({ metrics }) => results.push(metrics['loss:sum'] ?? NaN));
      t.flush();
      expect(results).toEqual([5]);
      expect(t.transport.sent).toEqual(['forward_backward 1', 'forward 1', 'forward_backward 2']);
    });
  });

  it('left while it is uploaded sends no pass, and can be subscribed again', () => {
    const slow = (): Observable<TransportResponse> => timer(5).pipe(switchMap(taken));
    withTraining({ values: custom, intercept: taking(slow) }, (t) => {
      const operation = t.training.forwardBackwardCustom(batch(), measured);
      const subscription = operation.subscribe();
      t.scheduler.schedule(() => {
        subscription.unsubscribe();
      }, 2);
      t.scheduler.schedule(() => t.training.optimStep().subscribe(), 3);
      t.scheduler.schedule(() => operation.subscribe(), 20);
      t.flush();
      expect(timeline(t.transport.requests)).toEqual(['3: optim_step 1', '20: forward_backward 2']);
      expect(t.transport.requests.filter(({ operation: name }) => name === 'create_custom_loss')).toHaveLength(1);
    });
  });

  it('is computed here where the caller wants it', () => {
    withTraining({ values, intercept: taking(taken) }, (t) => {
      t.training.forwardBackwardCustom(batch(), measured, { upload: false }).subscribe();
      t.flush();
      expect(t.transport.sent).toEqual(['forward 1', 'forward_backward 2']);
    });
  });
});
