/** A plain result of each operation, in the form of the wire. */
export const defaultResults = {
  forward: { loss_fn_output_type: 'ArrayRecord', loss_fn_outputs: [], metrics: { 'loss:sum': 1 } },
  forward_backward: { loss_fn_output_type: 'ArrayRecord', loss_fn_outputs: [], metrics: { 'loss:sum': 1 } },
  optim_step: { metrics: {} },
  save_weights: { path: 'tinker://model/weights/state' },
  load_weights: { path: 'tinker://model/weights/state' },
  save_weights_for_sampler: { path: 'tinker://model/sampler_weights/state' },
  create_model: { model_id: 'model' },
  unload_model: { model_id: 'model' },
  asample: { sequences: [{ tokens: [1], logprobs: [-1], stop_reason: 'length' }] },
} as const satisfies Readonly<Record<string, object>>;
