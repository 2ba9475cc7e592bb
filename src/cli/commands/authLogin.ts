import { randomUUID } from 'node:crypto';
import { credentialsFile, readCredentials, writeCredentials } from '../../auth/credentialsFile.js';
import { HOSTED_BASE_URL } from '../../config.js';
import { TinkerError } from '../../errors.js';
import { askSecret } from '../ask.js';
import type { CommandContext } from '../commandContext.js';
import { describeKey } from '../keyOwner.js';
import type { ServerOptions } from '../openServer.js';

/** Asks for a key, has the server check it, and stores it for later commands. */
export async function run(context: CommandContext, { baseUrl }: ServerOptions): Promise<void> {
  const { env, signal } = context;
  const file = credentialsFile(env);
  if (file === undefined)
    throw new TinkerError('invalid_config', 'Expected a home directory to store the key in. Set HOME.');
  const stored = readCredentials(file);
  if (typeof stored.default === 'string' && stored.keys[stored.default] !== undefined) {
    throw new TinkerError('invalid_config', 'A key is stored already. Run rxtinker auth logout first.');
  }
  context.notice('Make a key at https://tinker.thinkingmachines.ai/keys and paste it here.');
  const key = await askSecret(context, 'API key: ');
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new TinkerError('invalid_config', 'Expected an API key, got none or one with spaces. Copy it again.');
  }
  const owner = await describeKey(key, baseUrl ?? env.TINKER_BASE_URL ?? HOSTED_BASE_URL, signal);
  const id = owner.key_id === undefined ? randomUUID() : String(owner.key_id);
  writeCredentials(file, {
    ...stored,
    default: id,
    keys: {
      ...stored.keys,
      [id]: { type: 'manual', key, name: owner.name, note: owner.note ?? null, details: owner.details ?? null },
    },
  });
  const who = owner.details?.user_details.email ?? owner.name;
  context.print({ key_id: id, name: owner.name }, `Logged in as ${who}; the key is stored in ${file}.`);
}
