import * as api from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { NEVER, lastValueFrom, take, timer } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ModelInput, ServiceClient, type Transport, openTelemetry, undiciTransport } from '../../src/index.js';
import { createServer } from '../../src/local/server/createServer.js';
import { type Listening, listen } from '../../src/local/server/http.js';
import type { Server } from '../../src/local/server/server.js';
import { failureOf } from '../contract/support/failureOf.js';
import { TestEngine } from '../local/server/support/testEngine.js';

const KEY = 'tml-the-key-that-nothing-may-show';

/** Keeps the active context for as long as a function runs, and no longer. */
class SynchronousContexts implements api.ContextManager {
  private current = api.ROOT_CONTEXT;

  active(): api.Context {
    return this.current;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: api.Context,
    run: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const before = this.current;
    this.current = context;
    try {
      return run.call(thisArg, ...args);
    } finally {
      this.current = before;
    }
  }

  bind<T>(_: api.Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }
}

describe('openTelemetry', () => {
  const exporter = new InMemorySpanExporter();
  const requests: { readonly endpoint: string; readonly traceparent: string | undefined }[] = [];
  let server: Server;
  let listening: Listening;
  /** Whether polls stay without an answer. */
  let held = false;

  beforeAll(async () => {
    api.context.setGlobalContextManager(new SynchronousContexts());
    api.propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    api.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
    server = await createServer({ engine: new TestEngine(), apiKeys: [KEY] });
    listening = await listen(server);
  });

  afterEach(() => {
    exporter.reset();
    requests.length = 0;
    held = false;
  });

  afterAll(async () => {
    api.trace.disable();
    api.propagation.disable();
    api.context.disable();
    await server.close();
    await listening.close();
  });

  /** A client whose requests are noted as they leave. */
  function open(options: { readonly traced: boolean }): ServiceClient {
    const http = undiciTransport({ baseUrl: listening.url });
    const transport: Transport = {
      send: (request) => {
        requests.push({ endpoint: request.path.replace(/\?.*/, ''), traceparent: request.headers.traceparent });
        const isHeld = held && request.path === '/api/v1/retrieve_future';
        return isHeld ? NEVER : http.send(request);
      },
      close: () => http.close(),
    };
    return new ServiceClient({
      baseUrl: listening.url,
      apiKey: KEY,
      transport,
      ...(options.traced && { tracer: openTelemetry(api) }),
    });
  }

  const parentOf = (span: ReadableSpan): string => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`;
  const spanOf = (name: string): ReadableSpan => {
    const found = exporter.getFinishedSpans().filter((span) => span.name === `rxtinker.${name}`);
    expect(found.map((span) => span.name)).toEqual([`rxtinker.${name}`]);
    return found[0] as ReadableSpan;
  };
  const endpointsOf = (span: ReadableSpan): string[] => [
    ...new Set(requests.filter(({ traceparent }) => traceparent === parentOf(span)).map(({ endpoint }) => endpoint)),
  ];
  const data = [{ modelInput: ModelInput.fromTokens([1, 2, 3]) }];

  it('gives each operation a span, as a child of the active one, that its requests carry', async () => {
    const service = open({ traced: true });
    const training = await service.createLoraTrainingClient({ baseModel: 'test/bigram', rank: 4 }).result();
    const parent = api.trace.getTracer('test').startSpan('the step');
    await api.context.with(api.trace.setSpan(api.context.active(), parent), () =>
      Promise.all([training.forwardBackward(data, 'cross_entropy').result(), training.optimStep().result()]),
    );
    parent.end();
    const sampling = await training.saveWeightsAndGetSamplingClient().result();
    const prompt = ModelInput.fromTokens([5, 6, 7]);
    await sampling.sample({ prompt, samplingParams: { maxTokens: 2 } }).result();
    await service.rest.getTrainingRun(training.modelId).result();
    await training.unloadModel().result();
    await service.close();

    const polls = '/api/v1/retrieve_future';
    const { modelId } = training;
    expect(endpointsOf(spanOf('create_model'))).toEqual(['/api/v1/create_model', polls, '/api/v1/get_info']);
    const pass = spanOf('forward_backward');
    expect(pass.kind).toBe(api.SpanKind.CLIENT);
    expect(pass.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    expect(pass.attributes).toEqual({
      'rxtinker.operation': 'forward_backward',
      'rxtinker.model_id': modelId,
      'rxtinker.seq_ids': [1],
    });
    expect(pass.status.code).toBe(api.SpanStatusCode.UNSET);
    expect(endpointsOf(pass)).toEqual(['/api/v1/forward_backward', polls]);
    const step = spanOf('optim_step');
    expect(step.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    expect(step.attributes['rxtinker.seq_ids']).toEqual([2]);
    expect(endpointsOf(step)).toEqual(['/api/v1/optim_step', polls]);
    const sample = spanOf('sample');
    expect(sample.parentSpanContext).toBeUndefined();
    expect(sample.attributes).toEqual({
      'rxtinker.operation': 'sample',
      'rxtinker.sampling_session_id': sampling.samplingSessionId,
      'rxtinker.seq_ids': [0],
    });
    expect(endpointsOf(sample)).toContain('/api/v1/asample');
    expect(endpointsOf(spanOf('unload_model'))).toEqual(['/api/v1/unload_model', polls]);
    expect(endpointsOf(spanOf('get_training_run'))).toEqual([`/api/v1/training_runs/${encodeURIComponent(modelId)}`]);
    // What belongs to no operation carries no span.
    expect(requests.filter(({ endpoint }) => endpoint === '/api/v1/create_session')).toMatchObject([
      { traceparent: undefined },
    ]);
  });

  it('tells of a failure by its code, and of no key, path or message', async () => {
    const service = open({ traced: true });
    const training = await service.createLoraTrainingClient({ baseModel: 'test/bigram', rank: 4 }).result();
    const error = await failureOf(() =>
      training.loadState(`tinker://${training.modelId}/weights/secret-name`).result(),
    );
    await service.close();
    const span = spanOf('load_weights');
    expect(span.status).toEqual({ code: api.SpanStatusCode.ERROR, message: error.code });
    expect(span.attributes['error.type']).toBe(error.code);
    const told = JSON.stringify(
      exporter.getFinishedSpans().map(({ name, attributes, events, status }) => [name, attributes, events, status]),
    );
    expect(told).not.toMatch(/that-nothing-may-show|secret-name|tinker:\/\//);
  });

  it('ends the span of an operation that nobody waits for, and begins another for who comes back', async () => {
    const service = open({ traced: true });
    const training = await service.createLoraTrainingClient({ baseModel: 'test/bigram', rank: 4 }).result();
    const pass = training.forwardBackward(data, 'cross_entropy');
    held = true;
    const sent = lastValueFrom(training.events$.pipe(take(1)));
    const subscription = pass.subscribe();
    await sent;
    await lastValueFrom(timer(0));
    subscription.unsubscribe();
    expect(endpointsOf(spanOf('forward_backward'))).toContain('/api/v1/forward_backward');
    exporter.reset();
    held = false;
    await pass.result();
    expect(endpointsOf(spanOf('forward_backward'))).toEqual(['/api/v1/retrieve_future']);
    await service.close();
  });

  it('adds nothing where it is not asked for', async () => {
    const service = open({ traced: false });
    await service.createLoraTrainingClient({ baseModel: 'test/bigram', rank: 4 }).result();
    await service.close();
    expect(exporter.getFinishedSpans()).toEqual([]);
    expect(requests.length).toBeGreaterThan(0);
    expect(requests.every(({ traceparent }) => traceparent === undefined)).toBe(true);
  });
});
