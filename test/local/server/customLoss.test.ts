import { describe, expect, it } from 'vitest';
import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import { type TestServer, testServer } from './support/testServer.js';

const call = (name: string, target: string, args: unknown[]) => ({
  op: 'call_function',
  name,
  target,
  args,
  kwargs: {},
});
const placeholder = (name: string) => ({ op: 'placeholder', name, target: name, args: [], kwargs: {} });

/** −Σ logprobs · gains, and the mean of the logprobs as a metric. */
const nodes = [
  placeholder('logprobs'),
  placeholder('gains'),
  call('mul', 'operator.mul', [{ ref: 'logprobs' }, { ref: 'gains' }]),
  call('sum_1', 'torch.sum', [{ ref: 'mul' }]),
  call('neg', 'operator.neg', [{ ref: 'sum_1' }]),
  call('mean', 'torch.mean', [{ ref: 'logprobs' }]),
  {
    op: 'output',
    name: 'output',
    target: 'output',
    args: [{ tuple: [{ ref: 'neg' }, { dict: { 'custom/mean:mean': { ref: 'mean' } } }] }],
    kwargs: {},
  },
];

const upload = (session: string, changes: Record<string, unknown> = {}) => ({
  session_id: session,
  custom_loss_seq_id: 0,
  name: 'weighted',
  inputs: [
    { name: 'logprobs', rank: 1 },
    { name: 'gains', rank: 1 },
  ],
  graph: { format: 1, nodes },
  type: 'create_custom_loss',
  ...changes,
});

const tensor = (data: number[], dtype = 'float32') => ({ data, dtype, shape: [data.length] });

const pass = (model: string, seqId: number, loss: string, name: string, config?: Record<string, unknown>) => ({
  model_id: model,
  seq_id: seqId,
  forward_backward_input: {
    data: [
      {
        model_input: { chunks: [{ type: 'encoded_text', tokens: [1, 2, 3] }] },
        loss_fn_inputs: { target_tokens: tensor([2, 3, 4], 'int64'), [name]: tensor([1, -2, 0.5]) },
      },
    ],
    loss_fn: loss,
    ...(config !== undefined && { loss_fn_config: config }),
  },
});

const step = (model: string, seqId: number) => ({
  model_id: model,
  seq_id: seqId,
  adam_params: { learning_rate: 0, beta1: 0.9, beta2: 0.95, eps: 1e-12, weight_decay: 0, grad_clip_norm: 0 },
});

describe('create_custom_loss', () => {
  let server: TestServer;

  const open = async () => {
    server = await testServer({ engine: await createInProcessEngine({ threads: 1 }) });
    return server.model({ base_model: 'rxtinker/tiny' });
  };
  const metricsOf = async (path: string, body: unknown) =>
    (await server.result(await server.post(path, body))).metrics as Record<string, number>;

  it('is told in the flags, and gives an id by which a pass trains on the loss', async () => {
    const { session, model } = await open();
    expect((await server.post('client/config', {})).body.custom_loss_server_side).toBe(true);
    const { loss_id: id } = await server.result(await server.post('create_custom_loss', upload(session)));
    const custom = await metricsOf('forward_backward', pass(model, 1, 'custom', 'gains', { loss_id: id }));
    const customStep = await metricsOf('optim_step', step(model, 2));
    const own = await metricsOf('forward_backward', pass(model, 3, 'cross_entropy', 'weights'));
    const ownStep = await metricsOf('optim_step', step(model, 4));
    expect(custom['loss:sum']).toBeCloseTo(own['loss:sum'] ?? NaN, 5);
    expect(custom['custom/mean:mean']).toBeLessThan(0);
    expect(customStep['grad_norm:mean']).toBeCloseTo(ownStep['grad_norm:mean'] ?? NaN, 5);
  });

  it('answers its repetition alike, and refuses another loss under the same number', async () => {
    const { session } = await open();
    const first = await server.post('create_custom_loss', upload(session));
    expect(await server.post('create_custom_loss', upload(session))).toEqual(first);
    const other = await server.post('create_custom_loss', upload(session, { name: 'other' }));
    expect([other.status, other.body.detail]).toEqual([409, expect.stringContaining('custom_loss_seq_id 0')]);
  });

  it.each([
    ['another format', { graph: { format: 2, nodes } }, 422, /graph\.format/],
    ['an attribute', { graph: { format: 1, nodes: [{ ...nodes[0], meta: {} }] } }, 422, /meta/],
    [
      'an unknown function',
      { graph: { format: 1, nodes: [...nodes.slice(0, 2), call('x', 'os.system', [])] } },
      400,
      /nodes\.2 \(x, call_function os\.system\)/,
    ],
    ['inputs in another order', { inputs: [{ name: 'gains', rank: 1 }] }, 400, /logprobs/],
    ['a session that is not there', { session_id: 'none' }, 404, /none/],
  ])('refuses %s', async (_, changes, status, message) => {
    const { session } = await open();
    const { body, ...answer } = await server.post('create_custom_loss', upload(session, changes));
    expect(answer.status).toBe(status);
    expect(body.detail).toMatch(message);
  });

  it('refuses passes without a loss of their session, or without what it reads', async () => {
    const { session, model } = await open();
    const { loss_id: id } = await server.result(await server.post('create_custom_loss', upload(session)));
    for (const [name, config, message] of [
      ['gains', undefined, /loss_id/],
      ['gains', { loss_id: 'other' }, /loss_id/],
      ['gains', { loss_id: id, more: 1 }, /more/],
      ['weights', { loss_id: id }, /gains/],
    ] as const) {
      const answer = await server.post('forward_backward', pass(model, 1, 'custom', name, config));
      expect(answer.status).toBe(400);
      expect(answer.body.detail).toMatch(message);
    }
  });
});
