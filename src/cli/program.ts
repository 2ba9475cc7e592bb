import { Command, Option } from 'commander';
import { SDK_VERSION } from '../clients/version.js';
import { type CommandContext, type GlobalOptions, commandContext } from './commandContext.js';
import type { AddAction } from './table/addAction.js';
import { addAccount } from './table/account.js';
import { addCheckpoints } from './table/checkpoints.js';
import { addListings } from './table/listings.js';
import { addServing } from './table/serving.js';
import { addTraining } from './table/training.js';
import type { Terminal } from './terminal.js';

/** The command line: every command with its options. What a command does is loaded when it is called. */
export function makeProgram(terminal: Terminal): Command {
  const program = new Command('rxtinker');
  program
    .description('Fine-tune language models through the Tinker API.')
    .version(SDK_VERSION, '--version', 'show the version')
    .helpOption('-h, --help', 'show this')
    .helpCommand(false)
    .addOption(
      new Option('-f, --format <format>', 'how results are written').choices(['table', 'json']).default('table'),
    )
    .option('-q, --quiet', 'show nothing but results and errors')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      // Errors are thrown, and told in two lines.
      writeErr: () => undefined,
    })
    .exitOverride();
  const addAction: AddAction = (command, load) => {
    command.action(async (...given: unknown[]) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      // What a command takes is what its row of the table says.
      const run = (await load()).run as (context: CommandContext, options: object, ...args: unknown[]) => Promise<void>;
      // The last two are the options and the command itself.
      await run(commandContext(terminal, options), { ...options, given: givenOptions(command) }, ...given.slice(0, -2));
    });
  };
  addServing(program, addAction);
  addTraining(program, addAction);
  addCheckpoints(program, addAction);
  addListings(program, addAction);
  addAccount(program, addAction);
  return program;
}

/** Names of the options that stand on the command line, others have their defaults. */
function givenOptions(command: Command): string[] {
  return Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === 'cli');
}
