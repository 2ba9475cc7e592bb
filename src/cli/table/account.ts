import type { Command } from 'commander';
import type { AddAction } from './addAction.js';
import { withServer } from './serverOptions.js';

/** Commands around the key and the bill. */
export function addAccount(program: Command, addAction: AddAction): void {
  const auth = program.command('auth').description('Log in and out.');
  const withBaseUrl = (command: Command): Command =>
    command.option('--base-url <url>', 'address of the server (default: TINKER_BASE_URL, else the hosted service)');
  addAction(
    withBaseUrl(auth.command('login').description('Store a key for later commands.')),
    () => import('../commands/authLogin.js'),
  );
  addAction(
    withBaseUrl(auth.command('logout').description('Remove the stored key.')),
    () => import('../commands/authLogout.js'),
  );
  addAction(
    withServer(auth.command('status').description('Show whether there is a key and the server answers.')),
    () => import('../commands/authStatus.js'),
  );
  addAction(
    withServer(auth.command('whoami').description('Show whom the key belongs to.')),
    () => import('../commands/authWhoami.js'),
  );

  const billing = program.command('billing').description('Show what was used.');
  addAction(
    withServer(
      billing
        .command('usage')
        .description('Show usage from one full UTC hour to another, at most 14 days later.')
        .argument('<starting-on>', 'ISO 8601')
        .argument('<ending-before>', 'ISO 8601')
        .option('--csv <path>', 'write the usage as CSV to a file (- : to the output)')
        .option('--sessions-csv <path>', 'write its sessions as CSV to a file (- : to the output)'),
    ),
    () => import('../commands/billingUsage.js'),
  );
  addAction(
    withServer(
      billing
        .command('checkpoint-storage')
        .description('Show what checkpoints take now.')
        .option('--project-id <id>', 'of this project alone')
        .option('--csv <path>', 'write it as CSV to a file (- : to the output)'),
    ),
    () => import('../commands/billingCheckpointStorage.js'),
  );
  addAction(program.command('version').description('Show the version.'), () => import('../commands/version.js'));
}
