import { type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { TinkerError } from '../../src/errors.js';
import { type MarbleRequest, MarbleTransport } from '../../src/testing/index.js';
import type { TransportResponse } from '../../src/transport/transport.js';
import { withTraining } from './support/marbles.js';

const answer = (status: number, json: object): Observable<TransportResponse> =>
  of(MarbleTransport.response(status, json));

/** Saves while the server answers the attempts with these statuses, and lists these checkpoints; tells how it ended. */
function save(statuses: readonly number[], checkpoints: Readonly<Record<string, number>>): string[] {
  const told: string[] = [];
  let attempt = 0;
  const intercept = ({ operation }: MarbleRequest): Observable<TransportResponse> | undefined => {
    if (operation === 'save_weights') {
      const status = statuses[Math.min(attempt++, statuses.length - 1)] ?? 500;
      return status === 200 ? undefined : answer(status, { detail: `answer ${status}` });
    }
    if (operation !== 'checkpoints') return undefined;
    const list = Object.entries(checkpoints).map(([path, time]) => ({
      checkpoint_id: path,
      checkpoint_type: 'training',
      time: new Date(time).toISOString(),
      tinker_path: `tinker://model/${path}`,
    }));
    return answer(200, { checkpoints: list });
  };
  withTraining({ intercept }, (t) => {
    t.training.saveState('a').subscribe({
      next: ({ path }) => told.push(path),
      error: (error: TinkerError) => told.push(error.code),
    });
    t.training.optimStep().subscribe();
    t.flush();
    told.push(...t.transport.sent);
    if (t.transport.requests.some(({ operation }) => operation === 'checkpoints')) told.push('listed');
  });
  return told;
}

describe('a save whose name is taken', () => {
  it('is refused at once, and its seq_id is free again', () => {
    expect(save([409], { 'weights/a': 0 })).toEqual(['checkpoint_exists', 'save_weights 1', 'optim_step 1']);
  });

  it('was done by an earlier attempt without an answer, where the listed one is newer than the client', () => {
    expect(save([503, 409], { 'sampler_weights/a': 0, 'weights/a': 1_000 })).toEqual([
      'tinker://model/weights/a',
      'save_weights 1',
      'save_weights 1',
      'optim_step 2',
      'listed',
    ]);
  });

  it.each<[string, Record<string, number>]>([
    ['is older', { 'weights/a': -1_000 }],
    ['is of another kind', { 'sampler_weights/a': 1_000 }],
    ['is not there', {}],
  ])('is refused after such an attempt too, where the listed one %s', (_, checkpoints) => {
    expect(save([503, 409], checkpoints)).toEqual([
      'checkpoint_exists',
      'save_weights 1',
      'save_weights 1',
      'optim_step 1',
      'listed',
    ]);
  });

  it('is refused after a 429, which did nothing', () => {
    expect(save([429, 409], { 'weights/a': 1_000 }).slice(0, 1)).toEqual(['checkpoint_exists']);
  });
});

it('A pause for billing holds a poll up for as long as the server says, and no longer', () => {
  const unpaid = (until: number): string[] => {
    const told: string[] = [];
    withTraining(
      {
        intercept: ({ operation, frame }) => {
          if (operation === 'config') return answer(200, { billing_exception_max_pause_duration_sec: 60 });
          return operation === 'retrieve_future' && frame > 0 && frame < until
            ? answer(402, { detail: 'pay' })
            : undefined;
        },
        answers: { optimStep: '-a' },
      },
      (t) => {
        t.scheduler.schedule(() => {
          t.training.optimStep().subscribe({
            next: () => told.push('done'),
            error: ({ code }: TinkerError) => told.push(code),
          });
        }, 1);
        t.flush();
      },
    );
    return told;
  };
  expect([unpaid(50_000), unpaid(Infinity)]).toEqual([['done'], ['payment_required']]);
});
