import { type Observable, map, of, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import type { SamplingClient } from '../../src/clients/sampling.js';
import type { TinkerError } from '../../src/errors.js';
import { type MarbleRequest, MarbleTransport, marbleService } from '../../src/testing/index.js';
import type { TransportResponse } from '../../src/transport/transport.js';
import { ModelInput } from '../../src/wire/index.js';

type Answer = (request: MarbleRequest, call: number) => Observable<TransportResponse> | undefined;
const json = (body: object, status = 200): Observable<TransportResponse> => of(MarbleTransport.response(status, body));
const prompt = ModelInput.fromTokens([1, 2, 3]);

interface Tools {
  readonly sampling: SamplingClient;
  readonly scheduler: TestScheduler;
  readonly results: string[];
  readonly warnings: string[];
  /** Subscribes to an operation and notes how it ends and when. */
  readonly note: (operation: Observable<unknown>) => void;
}

/** Samples in virtual time on a server with these flags, whose polls answer as given; tells what was sent. */
function inTime(
  flags: object,
  poll: Answer,
  test: (tools: Tools) => void,
  answers = {},
  submit: Answer = () => undefined,
): readonly string[] {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  let polls = 0;
  let submissions = 0;
  const warnings: string[] = [];
  const log = { debug: () => 0, info: () => 0, error: () => 0, warn: (message: string) => warnings.push(message) };
  const { service, transport } = marbleService(
    {
      scheduler,
      answers,
      intercept: (request) => {
        if (request.operation === 'config') return json(flags);
        if (request.operation === 'asample') return submit(request, submissions++);
        return request.operation === 'retrieve_future' ? poll(request, polls++) : undefined;
      },
    },
    { log },
  );
  scheduler.run(({ flush }) => {
    const results: string[] = [];
    const note = (operation: Observable<unknown>): void => {
      const end = (how: string): void => void results.push(`${Math.round(scheduler.now() / 1000)} s: ${how}`);
      operation.subscribe({
        next: () => {
          end('done');
        },
        error: ({ code }: TinkerError) => {
          end(code);
        },
      });
    };
    let sampling: SamplingClient | undefined;
    service.createSamplingClient({ baseModel: 'marble/model' }).subscribe((made) => (sampling = made));
    if (sampling === undefined) throw new Error('A marble service makes its sampler in frame 0.');
    test({ sampling, scheduler, results, warnings, note });
    flush();
  });
  return transport.sent;
}

const lostTwice: Answer = (_, call) => (call < 2 ? json({ detail: 'gone' }, 410) : undefined);
const alwaysLost: Answer = () => json({ detail: 'gone' }, 410);
const held: Answer = () => json({ type: 'try_again', retry_after_ms: 60_000 });

describe('a sample whose result the server has lost', () => {
  it('is sent anew under a new seq_id, after a growing wait', () => {
    let seen: string[] = [];
    const sent = inTime({}, lostTwice, ({ sampling, note, results }) => {
      note(sampling.sample({ prompt }));
      seen = results;
    });
    expect(seen).toEqual([expect.stringMatching(/^1 s: done$/)]);
    expect(sent).toEqual(['asample 0', 'asample 1', 'asample 2']);
  });

  it('fails where the flags say that samples are not sent anew, but for compute_logprobs', () => {
    let seen: string[] = [];
    let sent = inTime({ sample_no_retries: true }, alwaysLost, ({ sampling, note, results }) => {
      note(sampling.sample({ prompt }));
      seen = results;
    });
    expect([seen, sent]).toEqual([['0 s: promise_expired'], ['asample 0']]);
    const scored: Answer = (_, call) =>
      call === 0
        ? json({ detail: 'gone' }, 410)
        : json({ sequences: [{ tokens: [1], stop_reason: 'length' }], prompt_logprobs: [null, -1, -2] });
    sent = inTime({ sample_no_retries: true }, scored, ({ sampling, note, results }) => {
      note(sampling.computeLogprobs(prompt));
      seen = results;
    });
    expect([seen, sent]).toEqual([['0 s: done'], ['asample 0', 'asample 1']]);
  });

  it('is not sent anew when nobody waits for it', () => {
    const sent = inTime({}, alwaysLost, ({ sampling, scheduler }) => {
      const subscription = sampling.sample({ prompt }).subscribe();
      scheduler.schedule(() => {
        subscription.unsubscribe();
      }, 5_000);
    });
    expect(sent.length).toBeGreaterThan(1);
    expect(sent.length).toBeLessThan(6);
  });
});

describe('a sample that the server has no room for', () => {
  const refuse = (times: number): Answer => {
    return (_, call) => (call < times ? json({ detail: 'slow down' }, 429) : undefined);
  };

  it('is sent again under the same seq_id', () => {
    let seen: string[] = [];
    const test = ({ sampling, note, results }: Tools): void => {
      note(sampling.sample({ prompt }));
      seen = results;
    };
    const sent = inTime({}, () => undefined, test, {}, refuse(2));
    expect(seen).toEqual(['2 s: done']);
    expect(sent).toEqual(['asample 0', 'asample 0', 'asample 0']);
  });

  it('is not sent again when nobody waits for it, and made anew for who subscribes again', () => {
    let seen: string[] = [];
    const test = ({ sampling, note, results, scheduler }: Tools): void => {
      const sample = sampling.sample({ prompt });
      const first = sample.subscribe();
      scheduler.schedule(() => {
        first.unsubscribe();
      }, 500);
      scheduler.schedule(() => {
        note(sample);
      }, 60_000);
      seen = results;
    };
    const sent = inTime({}, () => undefined, test, {}, refuse(1));
    expect(seen).toEqual(['60 s: done']);
    expect(sent).toEqual(['asample 0', 'asample 1']);
  });
});

describe('a sample that was left while the server was asked', () => {
  it('is not asked for again when there is no room, nor when its room comes', () => {
    const answerIn = (body: object, status: number): Observable<TransportResponse> =>
      timer(1_000).pipe(map(() => MarbleTransport.response(status, body)));
    const left = ({ sampling, scheduler }: Tools): void => {
      const subscription = sampling.sample({ prompt }).subscribe();
      scheduler.schedule(() => {
        subscription.unsubscribe();
      }, 500);
    };
    const never = (): undefined => undefined;
    expect(inTime({}, never, left, {}, () => answerIn({ detail: 'slow down' }, 429))).toEqual(['asample 0']);
    expect(inTime({}, never, left, {}, () => answerIn({ request_id: 'asample:0' }, 200))).toEqual(['asample 0']);
  });
});

describe('samples of which none is finished for 2 hours', () => {
  const secondReadyAfterAnHour: Answer = ({ body, frame }, call) =>
    (body as { request_id: string }).request_id === 'asample:1' && frame >= 3_600_000
      ? json({ sequences: [] })
      : held({ body, frame, operation: 'retrieve_future' }, call);

  it('fail, counted from the last one that was finished', () => {
    let seen: string[] = [];
    inTime({}, secondReadyAfterAnHour, ({ sampling, note, results }) => {
      note(sampling.sample({ prompt }));
      note(sampling.sample({ prompt }));
      seen = results;
    });
    expect(seen).toEqual(['3600 s: done', '10800 s: request_timeout']);
  });

  it('wait on where the flags say so', () => {
    let seen: string[] = [];
    inTime({ sample_enable_stuck_detection: false }, held, ({ sampling, note, results, scheduler }) => {
      const abort = new AbortController();
      note(sampling.sample({ prompt, signal: abort.signal }));
      scheduler.schedule(() => {
        abort.abort();
      }, 10_000_000);
      seen = results;
    });
    expect(seen).toEqual(['10000 s: aborted']);
  });
});

it('A pause of a sampler is a warning, at most one a minute', () => {
  let seen: string[] = [];
  const paused: Answer = ({ frame }) =>
    frame < 90_000
      ? json({ type: 'try_again', queue_state: 'paused_rate_limit', retry_after_ms: 10_000 })
      : json({ sequences: [] });
  inTime({}, paused, ({ sampling, note, warnings }) => {
    note(sampling.sample({ prompt }));
    note(sampling.sample({ prompt }));
    seen = warnings;
  });
  expect(seen).toEqual(['Sampling is paused for sampler sampler. Reason: concurrent sampler weights limit hit']);
});
