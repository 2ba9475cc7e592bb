import { switchMap } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { ModelInput, silentLogger } from 'rxtinker';
import { marbleService } from 'rxtinker/testing';
import { expect, test } from 'vitest';
import { trainUntil } from './06-until-learned.js';

const data = [{ modelInput: ModelInput.fromTokens([1, 2, 3]) }];
const loss = (sum: number) => ({ metrics: { 'loss:sum': sum } });
const values = { a: loss(9), b: loss(5), c: loss(1) };

/** Runs the pipeline on a server made of marbles: `expected` is what comes out, `sent` what the server got. */
function run(forwardBackward: string | readonly string[], expected: string, unsubscribeAt?: string): readonly string[] {
  const scheduler = new TestScheduler((actual, wanted) => expect(actual).toEqual(wanted));
  return scheduler.run(({ expectObservable, flush }) => {
    const { service, transport } = marbleService(
      { scheduler, answers: { forwardBackward }, values },
      { log: silentLogger },
    );
    const losses$ = service
      .createLoraTrainingClient({ baseModel: 'marble/model' })
      .pipe(switchMap((training) => trainUntil(training, data, { target: 2, most: 4 })));
    expectObservable(losses$, unsubscribeAt).toBe(expected, { a: 9, b: 5, c: 1 });
    flush();
    return transport.sent;
  });
}

const steps = (count: number): string[] =>
  Array.from({ length: 2 * count }, (_, i) => `${i % 2 === 0 ? 'forward_backward' : 'optim_step'} ${i + 1}`);

test('stops at the first loss that is low enough', () => {
  expect(run(['--a', '--b', '--c'], '--a-b-(c|)')).toEqual(steps(3));
});

test('stops after the last step that it may take', () => {
  expect(run('--a', '--a-a-a-(a|)')).toEqual(steps(4));
});

test('waits as long as the server pauses', () => {
  expect(run('--p---c', '------(c|)')).toEqual(steps(1));
});

test('sends nothing more after an unsubscribe', () => {
  expect(run('--a', '--a', '---!')).toEqual(steps(2));
});
