import { EMPTY, type Observable, defer, of, throwError, timer, map } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { retrieveFuture } from '../../src/futures/retrieveFuture.js';
import { SessionFutures } from '../../src/futures/sessionFutures.js';
import { byteBudget } from '../../operators/byteBudget.js';
import { TinkerError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import { Api } from '../../src/transport/api.js';
import type { TransportRequest, TransportResponse } from '../../src/transport/transport.js';

interface Asked {
  readonly at: number;
  readonly cursor: number;
  readonly retrieved: readonly string[];
  readonly ackOnly: boolean;
}
/** What the server answers: after so many seconds a status and JSON, or no connection. */
type Answer = readonly [seconds: number, status: number, json?: object];

const response = (status: number, json: object): TransportResponse => ({
  status,
  headers: {},
  body: new TextEncoder().encode(JSON.stringify(json)),
});
const finished = (cursor: number, ...ids: string[]): object => ({
  cursor,
  completions: ids.map((id) => ({ state: 'finished', request_id: id, response_payload_uncompressed_size: 7 })),
});

function inTime(
  answers: readonly Answer[],
  test: (futures: SessionFutures, at: (seconds: number, act: () => void) => void, wait: (id: string) => void) => void,
): { asked: Asked[]; heard: string[] } {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  const asked: Asked[] = [];
  const heard: string[] = [];
  const send = ({ body }: TransportRequest): Observable<TransportResponse> =>
    defer(() => {
      const [seconds, status, json = {}] = answers[asked.length] ?? [30, 200, finished(9)];
      const request = JSON.parse(String(body)) as {
        prev_cursor: number;
        retrieved_request_ids: string[];
        timeout?: number;
      };
      asked.push({
        at: scheduler.now() / 1000,
        cursor: request.prev_cursor,
        retrieved: request.retrieved_request_ids,
        ackOnly: request.timeout === 0,
      });
      const answer = timer(seconds * 1000, scheduler);
      return status === 0
        ? throwError(() => new TinkerError('connection_failed', 'none', { retryable: true }))
        : answer.pipe(map(() => response(status, json)));
    });
  scheduler.run(() => {
    const transport = { send, close: () => EMPTY };
    const api = new Api({ transport, scheduler, random: () => 0, log: silentLogger, sdkVersion: '1' });
    const deadlines = { silenceDeadlineMs: 300_000, billingPauseMs: 12_000 };
    const futures = new SessionFutures(
      { api, scheduler, deadlines },
      { samplingSessionId: 'sampler', clonedSamplerId: 0 },
    );
    const wait = (id: string): void => {
      futures.wait(id, {
        completed: ({ responsePayloadUncompressedSize: bytes, state }) =>
          heard.push(`${scheduler.now() / 1000} ${id} ${bytes ?? state}`),
        error: (error) => heard.push(`${id} ${error.code}`),
      });
    };
    test(futures, (seconds, act) => scheduler.schedule(act, seconds * 1000), wait);
  });
  return { asked, heard };
}

describe('SessionFutures', () => {
  it('asks once for all who wait, hands the cursor back, and stops when nobody waits', () => {
    const { asked, heard } = inTime(
      [
        [3, 200, finished(1, 'b')],
        [30, 200, finished(1)],
        [2, 200, { cursor: 5, completions: [{ state: 'failed', request_id: 'a' }] }],
      ],
      (futures, at, wait) => {
        at(0, () => {
          wait('a');
          wait('b');
        });
      },
    );
    expect(asked.map(({ at, cursor }) => [at, cursor])).toEqual([
      [0, 0],
      [3, 1],
      [33, 1],
    ]);
    expect(heard).toEqual(['3 b 7', '35 a failed']);
  });

  it('keeps what finished before somebody waited for it', () => {
    const { asked, heard } = inTime([[1, 200, finished(1, 'a', 'b')]], (futures, at, wait) => {
      at(0, () => wait('a'));
      at(2, () => wait('b'));
    });
    expect(asked).toHaveLength(1);
    expect(heard).toEqual(['1 a 7', '2 b 7']);
  });

  it('tells what was fetched with the next poll, or at once where there is none, until the server has heard it', () => {
    const { asked } = inTime(
      [
        [1, 200, finished(1, 'a')],
        [0, 500],
        [0, 200, finished(1)],
        [1, 200, finished(2, 'b')],
      ],
      (futures, at, wait) => {
        at(0, () => wait('a'));
        at(2, () => {
          futures.noteRetrieved('a');
          futures.acknowledge().subscribe();
        });
        at(3, () => futures.acknowledge().subscribe());
        at(4, () => futures.acknowledge().subscribe());
        at(5, () => wait('b'));
      },
    );
    expect(asked).toEqual([
      { at: 0, cursor: 0, retrieved: [], ackOnly: false },
      { at: 2, cursor: 1, retrieved: ['a'], ackOnly: true },
      { at: 3, cursor: 1, retrieved: ['a'], ackOnly: true },
      { at: 5, cursor: 1, retrieved: [], ackOnly: false },
    ]);
  });

  it('rests 1 s after a fault of the way, 5 s while billing pauses, and forgives three 400', () => {
    const faults: Answer[] = [
      [0, 0],
      [0, 503],
      [0, 402],
      [0, 400, { detail: 'x' }],
      [0, 400, { detail: 'x' }],
      [0, 400, { detail: 'x' }],
      [0, 200, finished(1, 'a')],
    ];
    const { asked, heard } = inTime(faults, (futures, at, wait) => {
      at(0, () => wait('a'));
    });
    expect(asked.map(({ at }) => at)).toEqual([0, 1, 2, 7, 8, 9, 10]);
    expect(heard).toEqual(['10 a 7']);
  });

  it('fails all who wait, now and later, when the server refuses', () => {
    const { asked, heard } = inTime([[1, 403, { detail: 'no' }]], (futures, at, wait) => {
      at(0, () => {
        wait('a');
        wait('b');
      });
      at(5, () => wait('c'));
    });
    expect(asked).toHaveLength(1);
    expect(heard).toEqual(['a permission_denied', 'b permission_denied', 'c permission_denied']);
  });

  it('is lost after 300 s of silence, and goes on for who waits again', () => {
    const silence = Array.from({ length: 301 }, (): Answer => [0, 0]);
    const { heard } = inTime([...silence, [1, 200, finished(1, 'a')]], (futures, at, wait) => {
      at(0, () => wait('a'));
      at(400, () => wait('a'));
    });
    expect(heard).toEqual(['a connection_lost', '401 a 7']);
  });
});

describe('a result that the server first tells the size of', () => {
  it('is fetched when its bytes fit into the budget', () => {
    const scheduler = new TestScheduler((actual, expected) => {
      expect(actual).toEqual(expected);
    });
    const asked: string[] = [];
    const send = ({ body }: TransportRequest): Observable<TransportResponse> =>
      defer(() => {
        const { request_id: id, allow_metadata_only: metadataOnly } = JSON.parse(String(body)) as {
          request_id: string;
          allow_metadata_only: boolean;
        };
        asked.push(`${scheduler.now() / 1000} ${id} ${metadataOnly ? 'size' : 'result'}`);
        return metadataOnly
          ? of(response(200, { status: 'complete_metadata', response_payload_size: 60 }))
          : timer(2_000, scheduler).pipe(map(() => response(200, { id })));
      });
    scheduler.run(() => {
      const transport = { send, close: () => EMPTY };
      const api = new Api({ transport, scheduler, random: () => 0, log: silentLogger, sdkVersion: '1' });
      const connection = {
        api,
        scheduler,
        deadlines: { silenceDeadlineMs: 300_000, billingPauseMs: 12_000 },
        responseBudget: byteBudget({ limit: 100, cost: (bytes: number) => bytes }),
      };
      for (const [requestId, payloadSize] of [['a'], ['b'], ['c', 30]] as const) {
        retrieveFuture(connection, {
          promise: { requestId },
          requestType: 'Sample',
          waitingFor: requestId,
          ...(payloadSize !== undefined && { payloadSize }),
          read: (body) => body,
          onQueueState: () => undefined,
        }).subscribe();
      }
    });
    expect(asked).toEqual(['0 a size', '0 b size', '0 c result', '0 a result', '2 b result']);
  });
});
