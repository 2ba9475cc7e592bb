import { credentialsFile, readCredentials, writeCredentials } from '../../auth/credentialsFile.js';
import { HOSTED_BASE_URL } from '../../config.js';
import { TinkerError } from '../../errors.js';
import type { CommandContext } from '../commandContext.js';
import { deleteKey } from '../keyOwner.js';
import type { ServerOptions } from '../openServer.js';

/** Removes the stored key; one that was made for this machine is deleted on the server too. */
export async function run(context: CommandContext, { baseUrl }: ServerOptions): Promise<void> {
  const { env, signal } = context;
  const file = credentialsFile(env);
  const stored = file === undefined ? undefined : readCredentials(file);
  const id = stored?.default;
  const key = typeof id === 'string' ? stored?.keys[id] : undefined;
  if (file === undefined || stored === undefined || typeof id !== 'string' || key === undefined) {
    throw new TinkerError('invalid_config', 'No key is stored. Run rxtinker auth login to store one.');
  }
  if (key.type === 'generated') await deleteKey(key.key, baseUrl ?? env.TINKER_BASE_URL ?? HOSTED_BASE_URL, signal);
  const { [id]: _, ...keys } = stored.keys;
  writeCredentials(file, { ...stored, default: null, keys });
  context.print({ key_id: id, name: key.name }, `Logged out; the key ${key.name} is no longer stored.`);
}
