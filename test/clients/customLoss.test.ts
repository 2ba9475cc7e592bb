import { merge, map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { TinkerError } from '../../src/errors.js';
import { type PerDatumLoss, gradientLoss } from '../../src/losses/index.js';
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
