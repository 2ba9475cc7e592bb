import type { TinkerError } from '../errors.js';
import { SDK_VERSION } from './version.js';

/** `SpanKind.CLIENT` of OpenTelemetry. */
const CLIENT = 2;
/** `SpanStatusCode.ERROR` of OpenTelemetry. */
const ERROR = 2;

/** What a span is told of its operation. */
export interface TracedOperation {
  /** The field's name of the operation, e.g. `forward_backward`. */
  readonly type: string;
  readonly modelId?: string | undefined;
  readonly samplingSessionId?: string | undefined;
}

/** The span of one operation that somebody waits for. */
export interface OperationSpan {
  /** Headers by which the operation's requests carry the span on; names in lower case, e.g. `traceparent`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Told of the seq_ids once the requests are sent. */
  sent(seqIds: readonly number[]): void;
  /** Ends the span; without an error where the operation succeeded, or nobody waits for it any more. */
  end(error?: TinkerError): void;
}

/** Begins a span for each operation, at its first subscription. Its methods must not throw. */
export interface Tracer {
  /** Begins the span of one operation. */
  start(operation: TracedOperation): OperationSpan;
}

/** The part of `@opentelemetry/api` that {@link openTelemetry} uses, for a context `C` and a span `S`. */
export interface OpenTelemetryApi<C, S extends OpenTelemetrySpan> {
  /** Makes spans. */
  readonly trace: {
    /** The tracer of a library. */
    getTracer(name: string, version: string): OpenTelemetryTracer<C, S>;
    /** A context in which the span is the active one. */
    setSpan(context: C, span: S): C;
  };
  /** Knows what is active. */
  readonly context: {
    /** The context that is active. */
    active(): C;
  };
  /** Writes headers. */
  readonly propagation: {
    /** Writes the headers of a context into an object. */
    inject(context: C, carrier: Record<string, string>): void;
  };
}

/** The part of a tracer of `@opentelemetry/api` that {@link openTelemetry} uses. */
export interface OpenTelemetryTracer<C, S> {
  /** Begins a span, as a child of the one of a context. */
  startSpan(name: string, options: { kind: number; attributes: Record<string, string | undefined> }, context: C): S;
}

/** The part of a span of `@opentelemetry/api` that {@link openTelemetry} uses. */
export interface OpenTelemetrySpan {
  /** Sets one attribute. */
  setAttribute(name: string, value: string | number[]): unknown;
  /** Says whether it failed. */
  setStatus(status: { code: number; message: string }): unknown;
  /** Ends it. */
  end(): void;
}

/**
 * Traces by OpenTelemetry: a span for each operation, e.g. `rxtinker.forward_backward`, as a child of the one that is
 * active at the first subscription; its requests carry it as `traceparent`, or what the registered propagator writes.
 *
 * Attributes: `rxtinker.operation`, `rxtinker.model_id`, `rxtinker.sampling_session_id`, `rxtinker.seq_ids`, and
 * `error.type` with the error's code. No message, path, prompt or key is in a span.
 *
 * @param api the package `@opentelemetry/api`
 * @example
 * ```ts
 * import * as api from '@opentelemetry/api';
 *
 * const service = new ServiceClient({ tracer: openTelemetry(api) });
 * ```
 */
export function openTelemetry<C, S extends OpenTelemetrySpan>(api: OpenTelemetryApi<C, S>): Tracer {
  const tracer = api.trace.getTracer('rxtinker', SDK_VERSION);
  return {
    start: ({ type, modelId, samplingSessionId }) => {
      const parent = api.context.active();
      const attributes = {
        'rxtinker.operation': type,
        'rxtinker.model_id': modelId,
        'rxtinker.sampling_session_id': samplingSessionId,
      };
      const span = tracer.startSpan(`rxtinker.${type}`, { kind: CLIENT, attributes }, parent);
      const headers: Record<string, string> = {};
      api.propagation.inject(api.trace.setSpan(parent, span), headers);
      return {
        headers,
        sent: (seqIds) => {
          span.setAttribute('rxtinker.seq_ids', [...seqIds]);
        },
        end: (error) => {
          if (error !== undefined) {
            span.setAttribute('error.type', error.code);
            span.setStatus({ code: ERROR, message: error.code });
          }
          span.end();
        },
      };
    },
  };
}
