import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { TinkerError } from '../../errors.js';
import type { Terminal } from '../terminal.js';

/** Where the Hugging Face hub is and what opens it. */
export interface HubAccess {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly token: string;
}

/**
 * The hub by HF_ENDPOINT, the token by HF_TOKEN or from the file that `hf auth login` writes.
 *
 * @throws TinkerError `invalid_config` without a token; the error does not show it
 */
export function hubAccess(env: Terminal['env']): HubAccess {
  const endpoint = (setting(env.HF_ENDPOINT) ?? 'https://huggingface.co').replace(/\/+$/, '');
  if (!URL.canParse(endpoint))
    throw new TinkerError('invalid_config', `Expected HF_ENDPOINT to be a URL, got ${endpoint}. Correct it.`);
  const caches = setting(env.XDG_CACHE_HOME) ?? path.join(setting(env.HOME) ?? homedir(), '.cache');
  const file = path.join(setting(env.HF_HOME) ?? path.join(caches, 'huggingface'), 'token');
  const token = setting(env.HF_TOKEN) ?? setting(readIfThere(file));
  if (token === undefined)
    throw new TinkerError(
      'invalid_config',
      `Expected a token of the Hugging Face hub in HF_TOKEN or in ${file}, found none. ` +
        'Make one that may write at https://huggingface.co/settings/tokens.',
    );
  if (!/^hf_\w+$/.test(token))
    throw new TinkerError(
      'invalid_config',
      'Expected the token of the Hugging Face hub to be hf_ and letters or digits. Correct HF_TOKEN or the file.',
    );
  return { endpoint, token };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function setting(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}
