import type { Command } from 'commander';
import type { CommandContext } from '../commandContext.js';

/** What the file of a command exports as `run`; it says which options and arguments it takes. */
export type RunCommand = (context: CommandContext, options: never, ...args: never[]) => Promise<void>;

/** Says where the work of a command is found; its file is loaded when the command is called. */
export type AddAction = (command: Command, load: () => Promise<{ readonly run: RunCommand }>) => void;
