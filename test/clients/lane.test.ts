import { merge, map, switchMap } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { expect, it } from 'vitest';
import { ModelInput } from '../../src/wire/index.js';
import { marbleService } from '../../src/testing/index.js';

it('sends in order', () => {
  const scheduler = new TestScheduler((a, b) => { expect(a).toEqual(b); });
  scheduler.run(({ expectObservable, flush }) => {
    const { service, transport } = marbleService({ scheduler, answers: { forward_backward: '--a', optim_step: '----a' } });
    const data = [{ modelInput: ModelInput.fromTokens([1, 2, 3]) }];
    const r$ = service.createLoraTrainingClient({ baseModel: 'marble/model' }).pipe(
      switchMap((training) => merge(training.forwardBackward(data, 'cross_entropy').pipe(map(() => 'f')), training.optimStep().pipe(map(() => 'o')))),
    );
    expectObservable(r$).toBe('--f-(o|)');
    flush();
    expect(transport.sent).toEqual(['forward_backward 1', 'optim_step 2']);
  });
});
