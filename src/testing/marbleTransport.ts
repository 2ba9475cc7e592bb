import { EMPTY, type Observable, type SchedulerLike, defer, map, of, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { invalidArgument } from '../errors.js';
import type { Transport, TransportRequest, TransportResponse } from '../transport/transport.js';
import { defaultResults } from './defaultResults.js';
import { loadAll } from './loadAll.js';
import { passAsJson } from './passAsJson.js';

/** Names on the wire of the operations whose answers marbles can describe. */
type WireOperation = keyof typeof defaultResults;

/** The methods whose answers marbles describe; `loadState` is `loadStateWithOptimizer` too. */
const methods = {
  forward: 'forward',
  forward_backward: 'forwardBackward',
  optim_step: 'optimStep',
  save_weights: 'saveState',
  load_weights: 'loadState',
  save_weights_for_sampler: 'saveWeightsForSampler',
  create_model: 'createLoraTrainingClient',
  unload_model: 'unloadModel',
  asample: 'sample',
} as const satisfies Readonly<Record<WireOperation, string>>;

/** A method whose answers marbles can describe. */
export type MarbleMethod = (typeof methods)[WireOperation];

/** A request that a marble transport got; `frame` is its virtual time in milliseconds. */
export interface MarbleRequest {
  readonly frame: number;
  /** The last part of its path, as on the wire, e.g. `forward_backward`. */
  readonly operation: string;
  readonly seqId?: number;
  readonly body: unknown;
}

/** What a marble transport answers. */
export interface MarbleAnswers {
  /** The scheduler of the test: virtual time comes from it. */
  readonly scheduler: SchedulerLike;
  /**
   * For each method the time from its send to its result: `--a` gives value `a` after 2 ms, `p` is a pause of the
   * queue on the way, `#` fails. A list gives one to each call in turn, the last to all that follow. Default: `a` at once.
   */
  readonly answers?: Partial<Readonly<Record<MarbleMethod, string | readonly string[]>>>;
  /** Results by letter, in the form of the wire, laid over a plain result of the operation. */
  readonly values?: Readonly<Record<string, object>>;
  /** Why `#` fails. */
  readonly failure?: { readonly error: string; readonly category: 'user' | 'server' | 'unknown' };
  /** Answers a request itself, e.g. to refuse or to delay a send; nothing: as usual. */
  readonly intercept?: (request: MarbleRequest) => Observable<TransportResponse> | undefined;
}

interface Pending {
  readonly request: MarbleRequest & { readonly operation: WireOperation };
  readonly sentAt: number;
  readonly events: readonly { readonly frame: number; readonly letter: string }[];
  told: number;
}

// The next event of a marble is at least 1 ms later, so that this wait is never too long.
const PAUSE = { type: 'try_again', queue_state: 'paused_rate_limit', retry_after_ms: 1 };
const FAILURE = { error: 'The operation failed.', category: 'server' } as const;

/**
 * A server made of marbles, so that a pipeline is tested under virtual time and without a network.
 *
 * Give it to a ServiceClient with the same scheduler and `heartbeatIntervalMs: Infinity`; {@link marbleService} does.
 */
export class MarbleTransport implements Transport {
  /** Every request that was sent, in order. */
  readonly requests: MarbleRequest[] = [];
  private readonly pending = new Map<string, Pending>();
  private readonly calls = new Map<string, number>();

  constructor(private readonly options: MarbleAnswers) {
    loadAll();
  }

  /** The training operations that were sent, e.g. `['forward_backward 1', 'optim_step 2']`. */
  get sent(): readonly string[] {
    return this.requests.flatMap(({ operation, seqId }) => (seqId === undefined ? [] : [`${operation} ${seqId}`]));
  }

  /** Emits what the marbles say. */
  send(request: TransportRequest): Observable<TransportResponse> {
    return defer(() => {
      const got = this.read(request);
      this.requests.push(got);
      return this.options.intercept?.(got) ?? this.answer(got);
    });
  }

  close(): Observable<never> {
    return EMPTY;
  }

  /** An answer of any status, for `intercept`. */
  static response(status: number, json: object): TransportResponse {
    return {
      status,
      headers: { 'content-type': 'application/json' },
      body: new TextEncoder().encode(JSON.stringify(json)),
    };
  }

  private read({ path, body, headers }: TransportRequest): MarbleRequest {
    const json = jsonOf(body, headers['content-type']);
    const seqId = typeof json === 'object' && json !== null && 'seq_id' in json ? Number(json.seq_id) : undefined;
    const isForward = typeof json === 'object' && json !== null && 'forward_input' in json;
    return {
      frame: this.options.scheduler.now(),
      operation: isForward ? 'forward' : (path.replace(/\?.*/, '').split('/').at(-1) ?? path),
      ...(seqId !== undefined && { seqId }),
      body: json,
    };
  }

  private answer(request: MarbleRequest): Observable<TransportResponse> {
    const ok = (json: object): Observable<TransportResponse> => of(MarbleTransport.response(200, json));
    switch (request.operation) {
      case 'config':
        return ok({});
      case 'create_session':
        return ok({ session_id: 'session' });
      case 'get_server_capabilities':
        return ok({ supported_models: [{ model_name: 'marble/model', max_context_length: 32_768 }] });
      case 'create_sampling_session':
        return ok({ sampling_session_id: 'sampler' });
      case 'get_info':
        return ok({ model_id: 'model', model_data: { model_name: 'marble/model' } });
      case 'retrieve_future':
        return this.poll(request);
      case 'finish':
      case 'session_heartbeat':
        return ok({});
      default:
        return hasMarbles(request)
          ? ok(this.promise(request))
          : of(MarbleTransport.response(404, { detail: `A marble transport has no ${request.operation}.` }));
    }
  }

  private promise(request: Pending['request']): object {
    const { operation } = request;
    const call = this.calls.get(operation) ?? 0;
    this.calls.set(operation, call + 1);
    const given = this.options.answers?.[methods[operation]] ?? 'a';
    const marbles = typeof given === 'string' ? given : (given[Math.min(call, given.length - 1)] ?? 'a');
    const request_id = `${operation}:${call}`;
    this.pending.set(request_id, {
      request,
      sentAt: this.options.scheduler.now(),
      events: eventsOf(marbles),
      told: 0,
    });
    return { request_id };
  }

  private poll(request: MarbleRequest): Observable<TransportResponse> {
    const id = (request.body as { request_id: string }).request_id;
    const pending = this.pending.get(id);
    const event = pending?.events[pending.told];
    if (pending === undefined || event === undefined) return of(MarbleTransport.response(410, { detail: 'gone' }));
    const wait = Math.max(0, pending.sentAt + event.frame - this.options.scheduler.now());
    const answer = (): TransportResponse => {
      pending.told += 1;
      return MarbleTransport.response(200, this.tell(pending.request, event.letter));
    };
    return wait === 0 ? of(undefined).pipe(map(answer)) : timer(wait, this.options.scheduler).pipe(map(answer));
  }

  private tell({ operation, body }: Pending['request'], letter: string): object {
    if (letter === '#') return this.options.failure ?? FAILURE;
    const value = this.options.values?.[letter];
    if (letter === 'p' && value === undefined) return PAUSE;
    return { ...defaultResults[operation](body), ...value };
  }
}

/** A body as JSON: what comes as protobuf is given the form that it has there. */
function jsonOf(body: TransportRequest['body'], contentType: string | undefined): unknown {
  if (body === undefined) return undefined;
  if (typeof body !== 'string' && contentType === 'application/x-protobuf') return passAsJson(body);
  return JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body));
}

function hasMarbles(request: MarbleRequest): request is Pending['request'] {
  return request.operation in defaultResults;
}

function eventsOf(marbles: string): Pending['events'] {
  const events = TestScheduler.parseMarbles(marbles, undefined, undefined, false, true).flatMap(
    ({ frame, notification }) => {
      if (notification.kind === 'C') return [];
      return [{ frame, letter: notification.kind === 'E' ? '#' : String(notification.value) }];
    },
  );
  if (events.length > 0) return events;
  throw invalidArgument('marbles with a result, like --a', marbles);
}
