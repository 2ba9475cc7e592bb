import { describe, expect, it } from 'vitest';
import * as wire from '../../src/wire/index.js';

describe('answers of servers', () => {
  it('reads a promise, also one with more and with null', () => {
    const json = { future_id: '2', status: 'pending', request_id: '2', model_id: null };
    expect(wire.futurePromiseSchema.parse(json)).toEqual({ requestId: '2' });
    expect(wire.futurePromiseSchema.parse({ request_id: 'a', model_id: 'm', sample_sequence_ids: ['s'] })).toEqual({
      requestId: 'a',
      modelId: 'm',
      sampleSequenceIds: ['s'],
    });
    expect(wire.futurePromiseSchema.safeParse({ model_id: 'm' }).success).toBe(false);
  });

  it('reads a session and its messages', () => {
    const json = { type: 'create_session', info_message: null, warning_message: 'old', session_id: 's' };
    expect(wire.sessionSchema.parse(json)).toEqual({ sessionId: 's', warningMessage: 'old' });
    expect(wire.samplingSessionSchema.parse({ sampling_session_id: 'x' })).toEqual({ samplingSessionId: 'x' });
  });

  it('reads what is known of a model and cuts the tokenizer id', () => {
    const json = {
      model_id: 'm',
      status: 'created',
      model_data: { base_model: 'tiny', model_name: 'tiny', tokenizer_id: 'org/tok:rev:2', tokenizer_url: '/t.json' },
      is_lora: true,
      lora_rank: 8,
    };
    expect(wire.modelInfoSchema.parse(json)).toEqual({
      modelId: 'm',
      modelData: { modelName: 'tiny', tokenizerId: 'org/tok', tokenizerUrl: '/t.json' },
      isLora: true,
      loraRank: 8,
    });
    expect(wire.modelInfoSchema.safeParse({ model_id: 'm' }).success).toBe(false);
    expect(wire.createdModelSchema.parse({ model_id: 'm', lora_config: {} })).toEqual({ modelId: 'm' });
  });

  it('reads capabilities', () => {
    const json = { supported_models: [{ model_name: 'a', max_context_length: 128 }, {}] };
    expect(wire.serverCapabilitiesSchema.parse(json)).toEqual({
      supportedModels: [{ modelName: 'a', maxContextLength: 128 }, {}],
    });
  });

  it('takes the defaults of flags that are missing', () => {
    expect(wire.clientConfigSchema.parse({ fwdbwd_max_chunk_len: 128, pjwt_auth_enabled: null })).toEqual({
      ...wire.defaultClientConfig,
      fwdbwdMaxChunkLen: 128,
    });
    expect(wire.defaultClientConfig).toMatchObject({
      billingExceptionMaxPauseDurationSec: 3600,
      credentialDefaultSource: 'api_key',
      parallelFwdbwdChunks: true,
    });
    expect(wire.defaultClientConfig).not.toHaveProperty('fwdbwdMaxChunkLen');
    expect(wire.clientConfigSchema.parse({ credential_default_source: 'oracle' }).credentialDefaultSource).toBe(
      'unknown',
    );
    expect(wire.defaultDynamicConfig).toEqual({
      refreshIntervalSec: 300,
      sampleCancelEnabled: false,
      sampleCancelMaxBatchSize: 64,
    });
    expect(wire.dynamicConfigSchema.parse({ refresh_interval_sec: 1 }).refreshIntervalSec).toBe(10);
  });

  it('reads both forms of weights saved for a sampler', () => {
    expect(wire.savedSamplerWeightsSchema.parse({ path: 'tinker://r/n', type: 'x' })).toEqual({
      kind: 'path',
      path: 'tinker://r/n',
    });
    expect(wire.savedSamplerWeightsSchema.parse({ path: null, sampling_session_id: 's' })).toEqual({
      kind: 'session',
      samplingSessionId: 's',
    });
    expect(wire.savedSamplerWeightsSchema.safeParse({ path: null }).success).toBe(false);
    expect(wire.savedStateSchema.parse({ path: 'p', type: 'save_weights' })).toEqual({ path: 'p' });
    expect(wire.loadedWeightsSchema.parse({ path: 'p', model_id: null })).toEqual({ path: 'p' });
  });

  it('reads the metrics of a step', () => {
    expect(wire.optimStepOutputSchema.parse({ metrics: { 'skyrl.ai/grad_norm': 0.5 } })).toEqual({
      metrics: { 'skyrl.ai/grad_norm': 0.5 },
    });
    expect(wire.optimStepOutputSchema.parse({})).toEqual({ metrics: {} });
  });

  it('reads samples into typed arrays, aligned with the prompt', () => {
    const sequence = { tokens: [1, 2], logprobs: [-0.5, -1], stop_reason: 'length' };
    const topk = [null, [[7, -0.25]]];
    const json = { sequences: [sequence], prompt_logprobs: [null, -2], topk_prompt_logprobs: topk };
    expect(wire.sampleOutputSchema(2).parse(json)).toEqual({
      sequences: [{ tokens: Int32Array.of(1, 2), logprobs: Float32Array.of(-0.5, -1), stopReason: 'length' }],
      promptLogprobs: Float32Array.of(NaN, -2),
      topkPromptLogprobs: [[], [{ token: 7, logprob: -0.25 }]],
    });
    const short = { sequences: [{ tokens: [], logprobs: null, stop_reason: 'paused' }], prompt_logprobs: [-2, -3] };
    expect(wire.sampleOutputSchema(3).parse(short)).toEqual({
      sequences: [{ tokens: new Int32Array(), stopReason: 'unknown' }],
      promptLogprobs: Float32Array.of(NaN, -2, -3),
    });
    const scores = { data: [-1, -2], dtype: 'float32', shape: [2, 3] };
    const csr = { ...scores, sparse_crow_indices: [0, 1, 2], sparse_col_indices: [2, 0] };
    const draws = { data: [4, 5], dtype: 'int64', shape: [2, 1] };
    const whole = {
      sequences: [{ tokens: [3], topk_sampled_logprobs: topk, stop_reason: 'stop' }],
      target_prompt_logprobs: csr,
      prompt_alt_tokens: { tokens: draws, logprobs: { ...scores, shape: [2, 1] } },
      prompt_cache_hit_tokens: 2,
    };
    expect(wire.sampleOutputSchema(3).parse(whole)).toEqual({
      sequences: [
        { tokens: Int32Array.of(3), topkSampledLogprobs: [[], [{ token: 7, logprob: -0.25 }]], stopReason: 'stop' },
      ],
      targetPromptLogprobs: new wire.TensorData(Float32Array.of(-1, -2), [2, 3], {
        crowIndices: Int32Array.of(0, 1, 2),
        colIndices: Int32Array.of(2, 0),
      }),
      promptAltTokens: {
        tokens: new wire.TensorData(Int32Array.of(4, 5), [2, 1]),
        logprobs: new wire.TensorData(Float32Array.of(-1, -2), [2, 1]),
      },
      promptCacheHitTokens: 2,
    });
    const torn = { ...whole, target_prompt_logprobs: { ...csr, sparse_crow_indices: [0, 2] } };
    expect(wire.sampleOutputSchema(3).safeParse(torn).success).toBe(false);
    const wide = { sequences: [{ tokens: [2 ** 31], stop_reason: 'stop' }] };
    expect(wire.sampleOutputSchema(1).safeParse(wide).success).toBe(false);
  });

  it('reads listings', () => {
    const checkpoint = {
      checkpoint_id: 'weights/a',
      checkpoint_type: 'archive',
      time: '2026-11-22T14:14:57.536671',
      tinker_path: 'tinker://m/weights/a',
      size_bytes: null,
    };
    const cursor = { offset: 0, limit: 1, total_count: 9 };
    expect(wire.checkpointListSchema.parse({ checkpoints: [checkpoint], cursor })).toEqual({
      checkpoints: [
        {
          checkpointId: 'weights/a',
          checkpointType: 'unknown',
          time: '2026-11-22T14:14:57.536671',
          tinkerPath: 'tinker://m/weights/a',
          public: false,
        },
      ],
      cursor: { offset: 0, limit: 1, totalCount: 9 },
    });
    expect(wire.weightsInfoSchema.parse({ base_model: 'b', is_lora: true, lora_rank: 8 })).toEqual({
      baseModel: 'b',
      isLora: true,
      loraRank: 8,
    });
    expect(wire.samplerInfoSchema.parse({ sampler_id: 's', base_model: 'b', model_path: null })).toEqual({
      samplerId: 's',
      baseModel: 'b',
    });
  });
});

describe('errorMessage', () => {
  const text = (value: unknown) => wire.errorMessage(new TextEncoder().encode(String(value)));

  it.each([
    ['{"detail":"a"}', 'a'],
    ['{"message":"b"}', 'b'],
    ['{"error":{"message":"c"}}', 'c'],
    ['{"detail":[{"loc":["body","rank"],"msg":"too big"},{"msg":"odd"}]}', 'body.rank: too big; odd'],
    ['"d"', 'd'],
    ['<h1>e</h1>', '<h1>e</h1>'],
    ['{"code":1}', '{"code":1}'],
    ['', ''],
  ])('finds the message in %s', (body, message) => {
    expect(text(body)).toBe(message);
  });

  it('cuts long ones', () => {
    expect(text('x'.repeat(600))).toBe(`${'x'.repeat(499)}…`);
  });
});
