import { type Observable, concat, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { TinkerError } from '../../src/errors.js';
import { type MarbleRequest, MarbleTransport } from '../../src/testing/index.js';
import type { TransportResponse } from '../../src/transport/transport.js';
import { withTraining } from './support/marbles.js';

const answer = (status: number, json: object): Observable<TransportResponse> =>
  of(MarbleTransport.response(status, json));

/** Saves while the server answers the attempts with these statuses, and lists these checkpoints; tells how it ended. */
function save(statuses: readonly number[], checkpoints: readonly string[]): string[] {
  const told: string[] = [];
  let attempt = 0;
  const intercept = ({ operation }: MarbleRequest): Observable<TransportResponse> | undefined => {
    if (operation === 'save_weights') {
      const status = statuses[Math.min(attempt++, statuses.length - 1)] ?? 500;
      return status === 200 ? undefined : answer(status, { detail: `answer ${status}` });
    }
    if (operation !== 'checkpoints') return undefined;
    const list = checkpoints.map((path) => ({
      checkpoint_id: path,
      checkpoint_type: 'training',
      time: new Date(0).toISOString(),
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
    expect(save([409], ['weights/a'])).toEqual(['checkpoint_exists', 'save_weights 1', 'optim_step 1']);
  });

  it('was done by an earlier attempt without an answer, and is there', () => {
    expect(save([503, 409], ['sampler_weights/a', 'weights/a'])).toEqual([
      'tinker://model/weights/a',
      'save_weights 1',
      'save_weights 1',
      'optim_step 2',
      'listed',
    ]);
  });

  it.each<[string, string[]]>([
    ['is of another kind', ['sampler_weights/a']],
    ['is not there', []],
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
    expect(save([429, 409], ['weights/a']).slice(0, 1)).toEqual(['checkpoint_exists']);
  });

  it.each([false, true])('is refused where this client took it before, overwriting: %s', (overwrite) => {
    const told: string[] = [];
    let saves = 0;
    const intercept = ({ operation }: MarbleRequest): Observable<TransportResponse> | undefined => {
      if (operation === 'checkpoints') throw new Error('nothing is to be listed');
      if (operation !== 'save_weights' || saves++ === 0) return undefined;
      return answer(saves === 2 ? 503 : 409, { detail: 'no' });
    };
    withTraining({ intercept }, (t) => {
      concat(t.training.saveState('a', { overwrite }), t.training.saveState('a')).subscribe({
        next: ({ path }) => told.push(path),
        error: (error: TinkerError) => told.push(error.code),
      });
      t.flush();
    });
    expect(told).toEqual([expect.stringContaining('tinker://'), 'checkpoint_exists']);
    expect(saves).toBe(3);
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
