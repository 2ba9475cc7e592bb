/** A plain result of each operation in the form of the wire; passes have one record of logprobs a datum that was sent. */
export const defaultResults = {
  forward: passResult,
  forward_backward: passResult,
  optim_step: () => ({ metrics: {} }),
  save_weights: (body) => ({ path: `tinker://model/weights/${nameIn(body)}` }),
  load_weights: (body) => ({ path: fieldOf(body, 'path') }),
  save_weights_for_sampler: (body) =>
    fieldOf(body, 'path') === undefined
      ? { sampling_session_id: 'sampler' }
      : { path: `tinker://model/sampler_weights/${nameIn(body)}` },
  create_model: () => ({ model_id: 'model' }),
  unload_model: () => ({ model_id: 'model' }),
  asample: (body) => ({ sequences: sequences(Number(fieldOf(body, 'num_samples') ?? 1)) }),
} as const satisfies Readonly<Record<string, (body: unknown) => object>>;

/** A loss of 1, and logprobs of −1 in the shape of the target tokens. */
function passResult(body: unknown): object {
  const input = fieldOf(body, 'forward_input') ?? fieldOf(body, 'forward_backward_input');
  const data = fieldOf(input, 'data');
  return {
    loss_fn_output_type: 'ArrayRecord',
    loss_fn_outputs: Array.isArray(data) ? data.map((datum: unknown) => ({ logprobs: logprobsOf(datum) })) : [],
    metrics: { 'loss:sum': 1 },
  };
}

function logprobsOf(datum: unknown): object {
  const shape = fieldOf(fieldOf(fieldOf(datum, 'loss_fn_inputs'), 'target_tokens'), 'shape');
  const sizes = Array.isArray(shape) ? shape.map(Number) : [0];
  const size = sizes.reduce((product, next) => product * next, 1);
  return { data: Array.from({ length: size }, () => -1), dtype: 'float32', shape: sizes };
}

function sequences(count: number): readonly object[] {
  return Array.from({ length: count }, () => ({ tokens: [1], logprobs: [-1], stop_reason: 'length' }));
}

function nameIn(body: unknown): string {
  return String(fieldOf(body, 'path'));
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
