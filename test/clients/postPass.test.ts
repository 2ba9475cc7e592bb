import { catchError, concat, concatMap, defer, map, of, type Observable, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import type { ForwardBackwardOutput } from '../../src/wire/index.js';
import { ServiceClient } from '../../src/clients/service.js';
import { MarbleTransport, seededRandom } from '../../src/testing/index.js';
import type { TransportRequest, TransportResponse } from '../../src/transport/transport.js';
import { batch } from './support/marbles.js';

type Answer = Observable<TransportResponse>;
type Refuse = (request: TransportRequest, format: 'protobuf' | 'json') => Answer | undefined;

const status = (code: number, detail = `no ${code}`): Answer => of(MarbleTransport.response(code, { detail }));
const pass = /\/forward(_backward)?$/;

/** Three passes one after another on a server that refuses some bodies; tells what was sent and what came of it. */
function threePasses(refuse: Refuse): { sent: string[]; outcomes: string[]; lines: string[] } {
  const sent: string[] = [];
  const outcomes: string[] = [];
  const lines: string[] = [];
  const ignore = (): undefined => undefined;
  const scheduler = new TestScheduler(ignore);
  scheduler.run(({ flush }) => {
    const server = new MarbleTransport({ scheduler });
    const send = (request: TransportRequest): Answer =>
      defer(() => {
        if (!pass.test(request.path)) return server.send(request);
        const format = request.headers['content-type'] === 'application/x-protobuf' ? 'protobuf' : 'json';
        const refused = refuse(request, format);
        sent.push(`${format} ${request.path.slice('/api/v1/'.length)}${refused === undefined ? '' : ' refused'}`);
        return refused ?? server.send(request);
      });
    const service = new ServiceClient({
      transport: { send, close: () => server.close() },
      scheduler,
      heartbeatIntervalMs: Infinity,
      random: seededRandom(1),
      baseUrl: 'http://marbles.invalid',
      log: { debug: (line) => lines.push(line), info: ignore, warn: ignore, error: ignore },
    });
    const told = (operation: Observable<ForwardBackwardOutput>): Observable<string> =>
      operation.pipe(
        map(() => 'done'),
        catchError((error: unknown) => of(error instanceof TinkerError ? `${error.code}: ${error.message}` : 'bug')),
      );
    service
      .createLoraTrainingClient({ baseModel: 'marble/model' })
      .pipe(
        concatMap((training) =>
          concat(
            told(training.forward(batch(), 'cross_entropy')),
            told(training.forwardBackward(batch(), 'cross_entropy')),
            told(training.forwardBackward(batch(), 'cross_entropy')),
          ),
        ),
      )
      .subscribe((outcome) => outcomes.push(outcome));
    flush();
    sent.push(...server.sent);
  });
  return { sent, outcomes, lines: lines.filter((line) => /pass/i.test(line)) };
}

describe('the format of passes', () => {
  it('is protobuf on a server that takes it', () => {
    const { sent, outcomes, lines } = threePasses(() => undefined);
    expect(sent).toEqual([
      'protobuf forward_backward',
      'protobuf forward_backward',
      'protobuf forward_backward',
      'forward 1',
      'forward_backward 2',
      'forward_backward 3',
    ]);
    expect(outcomes).toEqual(['done', 'done', 'done']);
    expect(lines).toEqual(['Passes are sent as protobuf: the server accepted the first one.']);
  });

  it.each([415, 400, 422])('becomes JSON under the same seq_id on a server that answers %i to protobuf', (code) => {
    const { sent, outcomes, lines } = threePasses((_, format) => (format === 'protobuf' ? status(code) : undefined));
    expect(sent).toEqual([
      'protobuf forward_backward refused',
      'json forward',
      'json forward_backward',
      'json forward_backward',
      'forward 1',
      'forward_backward 2',
      'forward_backward 3',
    ]);
    expect(outcomes).toEqual(['done', 'done', 'done']);
    expect(lines.at(-1)).toMatch(/^Passes are sent as JSON: /);
  });

  it('stays undecided where JSON is refused too, and tells the first refusal', () => {
    let refusals = 0;
    const { sent, outcomes } = threePasses((_, format) =>
      refusals++ < 2 ? status(422, `bad data in ${format}`) : undefined,
    );
    expect(sent).toEqual([
      'protobuf forward_backward refused',
      'json forward refused',
      'protobuf forward_backward',
      'protobuf forward_backward',
      'forward_backward 1',
      'forward_backward 2',
    ]);
    expect(outcomes).toEqual([expect.stringMatching(/^bad_request: .*422: bad data in protobuf/), 'done', 'done']);
  });

  it('tells what JSON was refused for once the server said that it reads no protobuf', () => {
    const { sent, outcomes } = threePasses((_, format) =>
      format === 'protobuf' ? status(415) : status(422, 'bad data in JSON'),
    );
    expect(sent).toEqual([
      'protobuf forward_backward refused',
      'json forward refused',
      'json forward_backward refused',
      'json forward_backward refused',
    ]);
    expect(outcomes).toEqual([
      expect.stringContaining('bad data in JSON'),
      expect.stringContaining('bad data in JSON'),
      expect.stringContaining('bad data in JSON'),
    ]);
  });

  it('takes a later 422 for what it is', () => {
    let passes = 0;
    const { sent, outcomes } = threePasses(() => (passes++ === 1 ? status(422, 'bad data') : undefined));
    expect(sent).toEqual([
      'protobuf forward_backward',
      'protobuf forward_backward refused',
      'protobuf forward_backward',
      'forward 1',
      'forward_backward 2',
    ]);
    expect(outcomes).toEqual(['done', expect.stringContaining('bad data'), 'done']);
  });

  it('breaks the lane where the outcome of the second attempt is unknown', () => {
    const { outcomes } = threePasses((_, format) =>
      format === 'protobuf'
        ? status(422)
        : throwError(() => new TinkerError('connection_failed', 'The connection broke.', { retryable: true })),
    );
    expect(outcomes).toEqual([
      expect.stringMatching(/^lane_broken: .*The connection broke/),
      expect.stringMatching(/^lane_broken/),
      expect.stringMatching(/^lane_broken/),
    ]);
  });
});
