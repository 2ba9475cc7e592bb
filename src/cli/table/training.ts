import { type Command, Option } from 'commander';
import type { AddAction } from './addAction.js';
import { withEmbeddedModels } from './serverOptions.js';
import { integer, number, several } from './values.js';

const trainOn = [
  ...['last_assistant_message', 'last_assistant_turn', 'all_assistant_messages', 'all_user_and_system_messages'],
  ...['all_messages', 'all_tokens', 'customized'],
];
const renderers = [
  ...['llama3', 'llama3_1', 'qwen3', 'qwen3_disable_thinking', 'qwen3_instruct', 'chatml', 'smollm2', 'gpt_oss'],
  'role_colon',
];
const examples = 'a JSONL file of {"messages": […]}, {"text"} or {"prompt", "completion"}';

/** Commands that train, sample and measure. */
export function addTraining(program: Command, addAction: AddAction): void {
  addAction(
    withEmbeddedModels(
      program
        .command('train')
        .description('Fine-tune a model on a file of examples. Ctrl-C saves a checkpoint; --resume goes on from it.')
        .option('--model <name>', 'the base model (default on the embedded server: rxtinker/tiny)')
        .option('--data <file>', examples)
        .option('--eval <file>', 'examples to measure the loss on after each epoch, not trained on')
        .option('--rank <n>', 'LoRA rank', integer('--rank', 1), 32)
        .option('--epochs <n>', 'how often each example is seen', integer('--epochs', 1), 1)
        .option('--batch-size <n>', 'examples in a step', integer('--batch-size', 1), 8)
        .option('--lr <rate>', 'highest learning rate', number('--lr', { above: 0 }), 5e-4)
        .addOption(
          new Option('--schedule <name>', 'how the learning rate falls')
            .choices(['constant', 'linear', 'cosine'])
            .default('linear'),
        )
        .option('--warmup <steps>', 'steps over which it rises at first', integer('--warmup', 0), 0)
        .option('--seed <n>', 'of the adapter and the order of the examples', integer('--seed', 0), 0)
        .option('--save-every <steps>', 'steps between two checkpoints', integer('--save-every', 1), 20)
        .option('--eval-every <steps>', 'steps between two evaluations', integer('--eval-every', 1))
        .option('--max-length <tokens>', 'longest example; what is longer is cut', integer('--max-length', 2), 2048)
        .addOption(new Option('--renderer <name>', 'form of conversations (default: the model’s)').choices(renderers))
        .addOption(
          new Option('--train-on <which>', 'messages to train on').choices(trainOn).default('all_assistant_messages'),
        )
        .option('--output-dir <dir>', 'folder of its settings, metrics and checkpoints (default: runs/NAME-OF-DATA)')
        .option('--resume <dir>', 'go on with the run in this folder'),
    ),
    () => import('../commands/train.js'),
  );
  addAction(
    withEmbeddedModels(
      program
        .command('sample')
        .description('Let a model write. Without a prompt it is read from the input; with --chat, a conversation.')
        .argument('[prompt...]')
        .option('--model <path-or-name>', 'a checkpoint (tinker://…) or a base model', 'rxtinker/tiny')
        .option('--chat', 'the prompt is what a user says in a conversation')
        .option('--system <text>', 'what the system says first in a conversation')
        .option('-n, --num-samples <n>', 'samples', integer('-n', 1), 1)
        .option('--max-tokens <n>', 'longest sample', integer('--max-tokens', 1), 128)
        .option('--temperature <t>', '0: always the likeliest token', number('--temperature', { least: 0 }), 1)
        .option('--top-p <p>', 'draw from the likeliest tokens of this probability', number('--top-p', { above: 0 }), 1)
        .option('--seed <n>', 'same seed, same samples', integer('--seed', 0))
        .option('--stop <text>', 'ends a sample; may be given several times', several)
        .addOption(new Option('--renderer <name>', 'form of conversations (default: the model’s)').choices(renderers)),
    ),
    () => import('../commands/sample.js'),
  );
  addAction(
    withEmbeddedModels(
      program
        .command('eval')
        .description('Measure the loss of a checkpoint or a base model on a file of examples.')
        .requiredOption('--data <file>', examples)
        .option('--model <path-or-name>', 'a checkpoint (tinker://…) or a base model', 'rxtinker/tiny')
        .option('--max-length <tokens>', 'longest example; what is longer is cut', integer('--max-length', 2), 2048)
        .addOption(new Option('--renderer <name>', 'form of conversations (default: the model’s)').choices(renderers))
        .addOption(
          new Option('--train-on <which>', 'messages to measure').choices(trainOn).default('all_assistant_messages'),
        ),
    ),
    () => import('../commands/eval.js'),
  );
  addAction(
    program
      .command('demo')
      .description('Train a small model on this machine, and show what it writes before and after.'),
    () => import('../commands/demo.js'),
  );
}
