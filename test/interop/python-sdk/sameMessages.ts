import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import { TensorData } from '../../../src/index.js';
import { forwardBackwardRequestBytes } from '../../../src/wire/proto/forwardBackwardRequestBytes.js';
import { readForwardBackwardOutput } from '../../../src/wire/proto/readForwardBackwardOutput.js';
import { readSampleResponse } from '../../../src/wire/proto/readSampleResponse.js';
import { ForwardBackwardRequestSchema } from '../../../src/wire/proto/tinker_public_pb.js';
import type { TokenLogprob } from '../../../src/wire/sampleOutput.js';
import { passes } from '../../wire/proto/passes.js';
import type { Installation } from './installation.js';
import { outputs, samples } from './messages.js';
import { runToEnd } from './runToEnd.js';
import { scripts } from './scripts.js';

const count = 1000;
const draw = <T>(arbitrary: fc.Arbitrary<T>): T[] => fc.sample(arbitrary, { numRuns: count, seed: 7 });

/**
 * Gives random messages to the SDK's own code: requests that our encoder wrote come back as it reads them, and results
 * are read alike by it and by us, to the last bit.
 *
 * @returns What was compared.
 * @throws Error with the first message that differs
 */
export async function compareMessages(
  { python }: Installation,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const given = {
    requests: draw(passes).map((request) => forwardBackwardRequestBytes(request)),
    outputs: draw(outputs),
    samples: draw(samples),
  };
  const [question, answer] = [join(folder, 'messages.json'), join(folder, 'read.json')];
  const asText = (all: readonly Uint8Array[]): string[] => all.map((each) => Buffer.from(each).toString('base64'));
  await writeFile(
    question,
    JSON.stringify(Object.fromEntries(Object.entries(given).map(([kind, all]) => [kind, asText(all)]))),
  );
  await runToEnd([python, join(scripts, 'codec.py'), question, answer], { env });
  const told = JSON.parse(await readFile(answer, 'utf8')) as Record<keyof typeof given, unknown[]>;
  const requestOf = (bytes: Uint8Array) => fromBinary(ForwardBackwardRequestSchema, bytes);
  check(
    'request',
    given.requests.map(requestOf),
    told.requests.map((text) => requestOf(Uint8Array.from(Buffer.from(String(text), 'base64')))),
  );
  check('result of a pass', given.outputs.map(outputOf), told.outputs);
  check('result of a sample', given.samples.map(sampleOf), told.samples);
  return `${count} requests of our encoder, ${count} results of passes and ${count} of samples`;
}

function check(what: string, ours: readonly unknown[], theirs: readonly unknown[]): void {
  const wrong = ours.findIndex((each, index) => !isDeepStrictEqual(each, theirs[index]));
  if (wrong === -1 && ours.length === theirs.length) return;
  const show = (value: unknown): string => inspect(value, { depth: 8 }).slice(0, 2000);
  throw new Error(`${what} ${wrong} is read in two ways:\n${show(ours[wrong])}\n${show(theirs[wrong])}`);
}

function outputOf(bytes: Uint8Array): unknown {
  const { lossFnOutputType, lossFnOutputs, metrics } = readForwardBackwardOutput(bytes);
  return {
    type: lossFnOutputType,
    outputs: lossFnOutputs.map((datum) =>
      Object.fromEntries(Object.entries(datum).map(([name, tensor]) => [name, tensorOf(tensor)])),
    ),
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, doubleOf(value)])),
  };
}

function doubleOf(value: number): string {
  return Number.isNaN(value) ? 'NaN' : Buffer.from(Float64Array.of(value).buffer).toString('hex');
}

function sampleOf(bytes: Uint8Array): unknown {
  // No prompt of the messages is so long that its first logprob could seem to be left out.
  const output = readSampleResponse(bytes, undefined);
  return {
    sequences: output.sequences.map(({ stopReason, tokens, logprobs, topkSampledLogprobs }) => ({
      stop: stopReason,
      tokens: Array.from(tokens),
      logprobs: bitsOf(logprobs),
      topk: rowsOf(topkSampledLogprobs),
    })),
    prompt: bitsOf(output.promptLogprobs),
    topk: rowsOf(output.topkPromptLogprobs),
    targets: tensorOf(output.targetPromptLogprobs),
    alternatives:
      output.promptAltTokens === undefined
        ? null
        : [tensorOf(output.promptAltTokens.tokens), tensorOf(output.promptAltTokens.logprobs)],
    cached: output.promptCacheHitTokens,
  };
}

function tensorOf(tensor: TensorData | undefined): unknown {
  if (tensor === undefined) return null;
  const { data, dtype, shape, sparse } = tensor;
  return {
    dtype,
    shape,
    data: data instanceof Float32Array ? bitsOf(data) : Array.from<number | bigint, string>(data, String),
    ...(sparse !== undefined && { sparse: [Array.from(sparse.crowIndices), Array.from(sparse.colIndices)] }),
  };
}

/** Bits tell zeros apart; NaN has many. */
function bitsOf(values: Float32Array | undefined): (number | string)[] | null {
  if (values === undefined) return null;
  const bits = new Uint32Array(values.slice().buffer);
  return Array.from(values, (value, at) => (Number.isNaN(value) ? 'NaN' : (bits[at] ?? 0)));
}

function rowsOf(rows: readonly (readonly TokenLogprob[])[] | undefined): unknown {
  if (rows === undefined) return null;
  const cells = rows.flat();
  return [cells.map(({ token }) => token), bitsOf(Float32Array.from(cells, ({ logprob }) => logprob))];
}
