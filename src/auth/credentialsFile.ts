import * as s from '../wire/schema.js';
import type { Environment } from '../config.js';
import { TinkerError } from '../errors.js';

/** Who a stored key belongs to, as the server says it. */
const detailsSchema = s.object({
  org_details: s.object({ name: s.string() }),
  user_details: s.object({ email: s.string() }),
});

const keySchema = s.object({
  /** `generated`: made for this machine alone, so that a logout deletes it on the server too. */
  type: s.oneOf('manual', 'generated'),
  key: s.string().check(s.minLength(1)),
  name: s.string(),
  note: s.nullish(s.string()),
  details: s.nullish(detailsSchema),
});

const fileSchema = s.object({
  version: s.oneOf(1),
  default: s.nullish(s.string()),
  keys: s.record(keySchema),
});

/** A key in the credentials file. */
export type StoredKey = s.Output<typeof keySchema>;

/** The credentials file: keys by id, and the id of the one that is used. */
export type StoredCredentials = s.Output<typeof fileSchema>;

/** Where keys are stored: `.tinker/credentials.json` in the home directory; undefined where there is none. */
export function credentialsFile(env: Environment): string | undefined {
  const home = env.HOME ?? env.USERPROFILE;
  if (home === undefined || home === '' || typeof process === 'undefined') return undefined;
  return process.getBuiltinModule('node:path').join(home, '.tinker', 'credentials.json');
}

/** Reads a credentials file; one that is missing has no keys. @throws TinkerError `invalid_config`, showing no content */
export function readCredentials(file: string): StoredCredentials {
  const fs = process.getBuiltinModule('node:fs');
  let json: unknown;
  try {
    json = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error) {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return { version: 1, keys: {} };
      throw new TinkerError('invalid_config', `The credentials file ${file} can't be read (${String(error.code)}).`);
    }
    throw malformed(file, 'it is no JSON');
  }
  const read = fileSchema.safeParse(json);
  if (read.success) return read.data;
  throw malformed(file, `wrong at ${placeOf(read.error.path)}`);
}

/**
 * Writes a credentials file that only its owner can read, in one move; makes its directory, for the owner alone too.
 *
 * @throws TinkerError `invalid_config` where it can't be written
 */
export function writeCredentials(file: string, credentials: StoredCredentials): void {
  const fs = process.getBuiltinModule('node:fs');
  const path = process.getBuiltinModule('node:path');
  const directory = path.dirname(file);
  const draft = path.join(directory, `.${path.basename(file)}.${process.pid}`);
  try {
    if (!fs.existsSync(directory)) {
      fs.mkdirSync(directory, { recursive: true });
      // What mkdir is told is cut by the umask.
      fs.chmodSync(directory, 0o700);
    }
    fs.rmSync(draft, { force: true });
    fs.writeFileSync(draft, `${JSON.stringify(credentials, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
    fs.chmodSync(draft, 0o600);
    fs.renameSync(draft, file);
  } catch (cause) {
    fs.rmSync(draft, { force: true });
    throw new TinkerError('invalid_config', `The credentials file ${file} can't be written.`, { cause });
  }
}

/** The stored key that is used where no other is given. @throws TinkerError `invalid_config` for a malformed file */
export function storedKey(env: Environment): string | undefined {
  const file = credentialsFile(env);
  if (file === undefined) return undefined;
  const { default: id, keys } = readCredentials(file);
  return typeof id === 'string' ? keys[id]?.key : undefined;
}

function malformed(file: string, why: string): TinkerError {
  return new TinkerError(
    'invalid_config',
    `Expected the credentials file ${file} to hold {version: 1, default, keys}: ${why}. Remove it and log in again.`,
  );
}

/** Names of fields; what stands at the place of an id may be anything. */
function placeOf(path: readonly PropertyKey[]): string {
  return path.map((part, index) => (path[0] === 'keys' && index === 1 ? '<id>' : String(part))).join('.') || 'the top';
}
