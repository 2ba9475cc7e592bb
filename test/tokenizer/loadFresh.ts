import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { firstValueFrom, type Observable } from 'rxjs';
import { afterEach, beforeEach, vi } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import { tinyTokenizerFile } from '../../src/local/models/index.js';
import { loadTokenizer, type LoadTokenizerOptions, type Tokenizer } from '../../src/tokenizer/index.js';
import { type HubServer, hubServer } from './hubServer.js';

/** The content of a good tokenizer.json. */
export const file = await readFile(tinyTokenizerFile, 'utf8');

/** An empty home directory for each test, and an environment that knows nothing else. */
export let home: string;
export let environment: Record<string, string>;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tokenizers-'));
  environment = { HOME: home };
});

afterEach(async () => {
  vi.unstubAllGlobals();
  await rm(home, { recursive: true });
});

/** Loads as a new process would, unless it is given a cache. */
export function loadFresh(id: string, options: LoadTokenizerOptions = {}): Observable<Tokenizer> {
  return loadTokenizer(id, { environment, cache: new Map(), ...options });
}

export function loadNow(id: string, options: LoadTokenizerOptions = {}): Promise<Tokenizer> {
  return firstValueFrom(loadFresh(id, options));
}

/** The error of a load. */
export async function failure(loading: Observable<Tokenizer>): Promise<TinkerError> {
  try {
    await firstValueFrom(loading);
  } catch (error) {
    if (error instanceof TinkerError) return error;
    throw error;
  }
  throw new Error('a tokenizer was loaded');
}

/** A hub that has every tokenizer. */
export function serving(text = file): Promise<HubServer> {
  return hubServer((response) => response.end(text));
}

export function refusing(status: number): Promise<HubServer> {
  return hubServer((response) => response.writeHead(status).end('no'));
}

/** Where a tokenizer from the hub is kept. */
export function cached(id: string, revision = 'main'): string {
  return join(home, '.cache/rxtinker/tokenizers', id.replace('/', '--'), revision, 'tokenizer.json');
}

export async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
