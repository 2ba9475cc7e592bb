import { fromBinary } from '@bufbuild/protobuf';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { filter, firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import type { Operation } from '../../src/clients/operation.js';
import { ServiceClient } from '../../src/clients/service.js';
import { silentLogger } from '../../src/log.js';
import { loadZstd } from '../../src/wire/proto/loadZstd.js';
import { int32Of } from '../../src/wire/proto/packedArrays.js';
import { ForwardBackwardRequestSchema } from '../../src/wire/proto/tinker_public_pb.js';
import { type ForwardBackwardOutput, ModelInput } from '../../src/wire/index.js';
import { listen } from '../transport/testServer.js';
import { stubServer } from './support/stubServer.js';

const TOKENS = 40_000;

/** The seq_id of a pass and its tokens, which are all the same where nothing went wrong. */
async function passIn(body: Buffer, isPacked: boolean): Promise<{ seqId: number; tokens: number[] }> {
  const plain = isPacked ? (await loadZstd()).decompress(body, 10_000_000) : body;
  const { seqId, data } = fromBinary(ForwardBackwardRequestSchema, plain);
  const tokens = data.flatMap(({ modelInput }) =>
    modelInput.flatMap(({ chunk }) =>
      chunk.case === 'encodedText' ? [...new Set(int32Of(chunk.value.tokens, 'tokens'))] : [],
    ),
  );
  return { seqId, tokens };
}

/** A full collection. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** What the server says of its only model, which both promises and questions of it lead to. */
const model = {
  model_id: 's:train:0',
  type: 'create_model',
  model_data: { arch: 'llama', model_name: 'some/model', tokenizer_id: 'some/model' },
  is_lora: true,
  lora_rank: 32,
};

const clientOf = (baseUrl: string): ServiceClient =>
  new ServiceClient({
    baseUrl,
    apiKey: 'tml-test',
    log: silentLogger,
    heartbeatIntervalMs: Infinity,
    random: () => 0,
  });

it('the data of a pass are free once it was sent, however long its results are waited for', async () => {
  let finish: () => void = () => undefined;
  const waiting = new Promise<void>((resolve) => (finish = resolve));
  const { url } = await stubServer(async ({ line, body }) => {
    if (line.endsWith('/create_session')) return { json: { session_id: 's', type: 'create_session' } };
    if (line.endsWith('/create_model')) return { json: { request_id: 'model' } };
    if (line.endsWith('/forward_backward')) return { json: { request_id: 'pass' } };
    if (!line.endsWith('/retrieve_future') || JSON.stringify(body).includes('"model"')) return { json: model };
    await waiting;
    return { json: { loss_fn_output_type: 'ArrayRecord', loss_fn_outputs: [{}], metrics: { 'loss:sum': 1 } } };
  });
  const service = clientOf(url);
  const training = await service.createLoraTrainingClient({ baseModel: 'some/model' }).result();
  const pass = (): [Operation<ForwardBackwardOutput>, WeakRef<ModelInput>] => {
    const modelInput = ModelInput.fromTokens(new Int32Array(TOKENS));
    const lossFnInputs = { targetTokens: new Int32Array(TOKENS), weights: new Float32Array(TOKENS) };
    return [training.forwardBackward([{ modelInput, lossFnInputs }], 'cross_entropy'), new WeakRef(modelInput)];
  };
  const [operation, input] = pass();
  const result = operation.result();
  await firstValueFrom(operation.progress$.pipe(filter(({ type }) => type === 'sent')));
  // A reference that was looked at lasts until the next turn.
  await setImmediate();
  collect();
  expect(input.deref()).toBeUndefined();
  finish();
  expect((await result).metrics).toEqual({ 'loss:sum': 1 });
  await service.close();
});

it.each([false, true])(
  'each pass keeps its bytes though its memory serves the next ones (zstd: %s)',
  async (packed) => {
    const passes: { seqId: number; tokens: number[] }[] = [];
    let refusals = 1;
    const modelData = { arch: 'llama', model_name: 'some/model', tokenizer_id: 'some/model' };
    const model = { model_id: 's:train:0', type: 'create_model', model_data: modelData, is_lora: true, lora_rank: 32 };
    const answers: Readonly<Record<string, object>> = {
      '/client/config': { proto_compress_fwdbwd: packed, fwdbwd_max_chunk_len: 1 },
      '/create_session': { session_id: 's', type: 'create_session' },
      '/create_model': { request_id: 'model' },
      '/forward_backward': { request_id: 'pass' },
      '/retrieve_future': { loss_fn_output_type: 'ArrayRecord', loss_fn_outputs: [{}], metrics: {} },
    };
    const url = await listen((incoming, response) => {
      const answer = (value: object, status = 200): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      };
      const path = incoming.url ?? '';
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      // Refused before it was read: the rest of the body is still on its way.
      if (path.endsWith('/forward_backward') && refusals-- > 0) {
        answer({ detail: 'busy' }, 503);
        return;
      }
      incoming.on('end', () => {
        void (async () => {
          const body = Buffer.concat(chunks);
          if (path.endsWith('/forward_backward')) passes.push(await passIn(body, packed));
          const isModel = path.endsWith('/get_info') || body.includes('"request_id":"model"');
          const found = Object.entries(answers).find(([end]) => path.endsWith(end));
          answer(isModel ? model : (found?.[1] ?? {}));
        })();
      });
    });
    const service = clientOf(url);
    const clients = [0, 1].map(() => service.createLoraTrainingClient({ baseModel: 'some/model' }).result());
    const [one, other] = await Promise.all(clients);
    // Two chunks a pass and two models side by side.
    const pass = (training: typeof one, first: number): Promise<unknown> =>
      training
        ?.forwardBackward(
          [first, first + 1].map((token) => ({
            modelInput: ModelInput.fromTokens(new Int32Array(TOKENS).fill(token)),
          })),
          'cross_entropy',
        )
        .result() ?? Promise.reject(new Error('no client'));
    await Promise.all([0, 2, 4, 6, 8, 10].map((first) => pass(first % 4 === 0 ? one : other, first)));
    await service.close();
    const all = Array.from({ length: 12 }, (_, token) => [token]);
    expect(passes.map(({ tokens }) => tokens).sort(([a = 0], [b = 0]) => a - b)).toEqual(all);
    expect(passes.map(({ seqId }) => seqId).sort((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
  },
);
