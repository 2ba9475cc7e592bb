import type { SchedulerLike } from 'rxjs';
import type { ServiceOptions } from '../clients/serviceOptions.js';
import { ServiceClient } from '../clients/service.js';
import { type MarbleAnswers, MarbleTransport } from './marbleTransport.js';
import { seededRandom } from '../../operators/seededRandom.js';

/**
 * A ServiceClient on a server made of marbles, under the virtual time of a test.
 *
 * @example
 * ```ts
 * const scheduler = new TestScheduler((actual, expected) => { assert.deepEqual(actual, expected); });
 * scheduler.run(({ expectObservable }) => {
 *   const { service } = marbleService({ scheduler, answers: { forwardBackward: '--a' } });
 *   const loss$ = service.createLoraTrainingClient({ baseModel: 'marble/model' }).pipe(
 *     switchMap((training) => training.forwardBackward(data, 'cross_entropy')),
 *     map(({ metrics }) => metrics['loss:sum']),
 *   );
 *   expectObservable(loss$).toBe('--(a|)', { a: 1 });
 * });
 * ```
 */
export function marbleService(
  answers: MarbleAnswers & { readonly scheduler: SchedulerLike },
  options: Omit<ServiceOptions, 'transport' | 'scheduler' | 'baseUrl'> = {},
): { readonly service: ServiceClient; readonly transport: MarbleTransport } {
  const transport = new MarbleTransport(answers);
  const service = new ServiceClient({
    heartbeatIntervalMs: Infinity,
    random: seededRandom(1),
    passFormat: 'json',
    ...options,
    scheduler: answers.scheduler,
    transport,
    baseUrl: 'http://marbles.invalid',
  });
  return { service, transport };
}
