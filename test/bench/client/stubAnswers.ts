import { create, toBinary } from '@bufbuild/protobuf';
import {
  DType,
  ForwardBackwardOutputSchema,
  SampleResponseSchema,
  StopReason,
} from '../../../src/wire/proto/tinker_public_pb.js';
import type { StubSettings } from './stubSettings.js';

/** Answers as bytes with their headers, encoded once a run. */
export interface StubAnswers {
  /** By the path after /api/v1/. */
  readonly fixed: ReadonlyMap<string, Buffer>;
  /** By the first letter of a promise's id. */
  readonly results: Readonly<Record<string, Buffer>>;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function answer(contentType: string, body: Uint8Array): Buffer {
  const header = `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(header, 'latin1'), body]);
}

/** JSON with its headers. */
export function jsonAnswer(value: unknown): Buffer {
  return answer('application/json', Buffer.from(JSON.stringify(value)));
}

/** Everything that the stub says, for these settings. */
export function stubAnswers({ datums, tokens, sampled, flags }: StubSettings): StubAnswers {
  const offsets = BigInt64Array.from({ length: datums + 1 }, (_, index) => BigInt(4 * tokens * index));
  const logprobs = Float32Array.from({ length: datums * tokens }, (_, index) => -1 - (index % 7) / 8);
  const pass = create(ForwardBackwardOutputSchema, {
    lossFnOutputType: 'ArrayRecord',
    lossFnOutputs: [
      {
        typeTag: 'ArrayRecord',
        numDatums: BigInt(datums),
        fields: { logprobs: { data: bytesOf(logprobs), offsets: bytesOf(offsets), dtype: DType.DTYPE_FLOAT32 } },
      },
    ],
    metrics: { 'loss:sum': 1.5 },
  });
  const sample = create(SampleResponseSchema, {
    sequences: [
      {
        stopReason: StopReason.LENGTH,
        tokens: bytesOf(Int32Array.from({ length: sampled }, (_, index) => 100 + index)),
        logprobs: bytesOf(new Float32Array(sampled).fill(-0.5)),
      },
    ],
  });
  const protobuf = (bytes: Uint8Array): Buffer => answer('application/x-protobuf', bytes);
  return {
    fixed: new Map([
      ['client/config', jsonAnswer({ fwdbwd_max_chunk_len: 1024, fwdbwd_max_chunk_bytes_count: 5_000_000, ...flags })],
      ['client/dynamic_config', jsonAnswer({ refresh_interval_sec: 300 })],
      ['create_session', jsonAnswer({ session_id: 'session', type: 'create_session' })],
      [
        'get_info',
        jsonAnswer({
          model_id: 'session:train:0',
          model_data: { arch: 'llama', model_name: 'bench/model', tokenizer_id: 'bench/model' },
          is_lora: true,
          lora_rank: 32,
          type: 'get_info',
        }),
      ],
      ['create_sampling_session', jsonAnswer({ sampling_session_id: 'sampler', type: 'create_sampling_session' })],
      ['telemetry', jsonAnswer({ status: 'accepted' })],
    ]),
    results: {
      c: jsonAnswer({ model_id: 'session:train:0', type: 'create_model' }),
      f: protobuf(toBinary(ForwardBackwardOutputSchema, pass)),
      o: jsonAnswer({ metrics: { 'grad_norm:mean': 0.5 }, type: 'optim_step' }),
      s: protobuf(toBinary(SampleResponseSchema, sample)),
    },
  };
}
