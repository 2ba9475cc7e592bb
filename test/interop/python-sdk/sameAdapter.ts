import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ModelInput, ServiceClient } from '../../../src/index.js';
import { Random } from '../../../src/local/engine/random.js';
import type { Installation } from './installation.js';
import type { LocalServer } from './localServer.js';
import { runToEnd } from './runToEnd.js';
import { scripts } from './scripts.js';

const datums = 300;
const steps = 5;
const vocabulary = 1024;

/** One training run, as both clients read it. */
interface Plan {
  readonly base_model: string;
  readonly rank: number;
  readonly seed: number;
  readonly steps: number;
  readonly learning_rate: number;
  readonly name: string;
  readonly data: readonly {
    readonly tokens: readonly number[];
    readonly targets: readonly number[];
    readonly weights: readonly number[];
  }[];
}

/**
 * Trains the same steps on the same data through the SDK and through our client, and compares what both saved, bit for
 * bit: 300 datums make three chunks, which both clients cut and send in their own ways.
 *
 * @param maxExamples How the SDK cuts, where it does not ask the server.
 * @returns What was compared.
 * @throws Error where a file differs
 */
export async function compareAdapters(
  { python }: Installation,
  server: LocalServer,
  env: NodeJS.ProcessEnv,
  maxExamples: number | undefined,
): Promise<string> {
  const plan = makePlan();
  const file = join(server.folder, 'plan.json');
  await writeFile(file, JSON.stringify(plan));
  const theirPath = (await runToEnd([python, join(scripts, 'train_plan.py'), file], { env })).trim();
  const ourPath = await train(plan, server, maxExamples === undefined ? {} : { maxExamples });
  const [theirs, ours] = [await filesOf(server, theirPath), await filesOf(server, ourPath)];
  const names = [...ours.keys()];
  if (names.join() !== [...theirs.keys()].join() || names.length !== 2) {
    throw new Error(
      `Expected the adapter and the optimizer's state, got ${names.join()} and ${[...theirs.keys()].join()}`,
    );
  }
  const compared = names.map((each) => {
    const [a, b] = [ours.get(each) ?? Buffer.alloc(0), theirs.get(each) ?? Buffer.alloc(0)];
    if (a.length < 10_000 || !a.equals(b)) throw new Error(`${each} differs: ${a.length} and ${b.length} bytes`);
    return `${each}, ${a.length} bytes`;
  });
  return `${compared.join('; ')}; after ${steps} steps on ${datums} datums in chunks of ${maxExamples ?? 'what the server says'}`;
}

function makePlan(): Plan {
  const random = new Random(1);
  const data = Array.from({ length: datums }, () => {
    const sequence = Array.from({ length: 4 + (random.uint32() % 12) }, () => random.uint32() % vocabulary);
    const targets = sequence.slice(1);
    return { tokens: sequence.slice(0, -1), targets, weights: targets.map(() => Math.fround(random.uniform())) };
  });
  return { base_model: 'rxtinker/tiny', rank: 8, seed: 5, steps, learning_rate: 3e-3, name: 'same', data };
}

/** Trains by our client; gives the path of the saved state. */
async function train(plan: Plan, { url, key }: LocalServer, limits: { maxExamples?: number }): Promise<string> {
  await using service = new ServiceClient({ baseUrl: url, apiKey: key });
  const { base_model: baseModel, rank, seed, learning_rate: learningRate } = plan;
  const training = await service.createLoraTrainingClient({ baseModel, rank, seed }).result();
  const data = plan.data.map(({ tokens, targets, weights }) => ({
    modelInput: ModelInput.fromTokens(tokens),
    lossFnInputs: { target_tokens: Int32Array.from(targets), weights: Float32Array.from(weights) },
  }));
  for (let step = 0; step < plan.steps; step++) {
    await training.forwardBackward(data, 'cross_entropy', limits).result();
    await training.optimStep({ learningRate }).result();
  }
  return (await training.saveState(plan.name).result()).path;
}

/** The weights of a checkpoint, by the names of their files in the server's folder. */
async function filesOf({ folder }: LocalServer, path: string): Promise<Map<string, Buffer>> {
  const files = await readdir(join(folder, 'data'), { recursive: true });
  for (const manifest of files.filter((file) => basename(file) === 'manifest.json')) {
    const content = JSON.parse(await readFile(join(folder, 'data', manifest), 'utf8')) as Record<string, unknown>;
    if (path !== `tinker://${String(content.run_id)}/weights/${String(content.name)}`) continue;
    const beside = files.filter((file) => dirname(file) === dirname(manifest) && file.endsWith('.safetensors')).sort();
    const contents = beside.map(async (file) => [basename(file), await readFile(join(folder, 'data', file))] as const);
    return new Map(await Promise.all(contents));
  }
  throw new Error(`The server's folder holds no ${path}`);
}
