import { fromBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { ServiceClient } from '../../src/clients/service.js';
import { silentLogger } from '../../src/log.js';
import { loadZstd } from '../../src/wire/proto/loadZstd.js';
import { int32Of } from '../../src/wire/proto/packedArrays.js';
import { ForwardBackwardRequestSchema } from '../../src/wire/proto/tinker_public_pb.js';
import { ModelInput } from '../../src/wire/index.js';
import { listen } from '../transport/testServer.js';

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
    const service = new ServiceClient({
      baseUrl: url,
      apiKey: 'tml-test',
      log: silentLogger,
      heartbeatIntervalMs: Infinity,
      random: () => 0,
    });
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
