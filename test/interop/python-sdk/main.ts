// The official Python SDK against our server, each version in an environment of its own.
// Usage: node dist/test/interop/python-sdk/main.js [--torch] [version …]; ends with 77 where none could be installed.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { install, type Installation } from './installation.js';
import { LocalServer } from './localServer.js';
import { runToEnd } from './runToEnd.js';
import { compareAdapters } from './sameAdapter.js';
import { compareMessages } from './sameMessages.js';
import { scripts } from './scripts.js';

const SKIPPED = 77;
const allVersions = ['0.38.0', '0.25.0', '0.24.1'];
/** Versions whose messages lack some of today's fields. */
const fixedMessages = new Set(['0.25.0', '0.24.1']);
/** Datums of a chunk of versions that do not ask the server how many. */
const fixedChunks = new Map([['0.24.1', 1024]]);

/** Whether all checks of a version passed; undefined where it can't be installed. */
async function checkVersion(version: string, withTorch: boolean): Promise<boolean | undefined> {
  let installation: Installation;
  try {
    installation = await install(version, withTorch);
  } catch (error) {
    console.log(`SKIP tinker ${version} can't be installed: ${messageOf(error)}`);
    return undefined;
  }
  const { torch } = installation;
  if ('missing' in torch) console.log(`PyTorch is left out: ${torch.missing}`);
  await using server = await LocalServer.start();
  const env = environmentFor(server, installation);
  const checks = [
    () => runToEnd([installation.python, join(scripts, 'main.py')], { env, show: true }),
    async () => {
      const compared = await compareAdapters(installation, server, env, fixedChunks.get(version));
      console.log(`PASS the same adapter by SDK ${version} and by our client: ${compared}`);
    },
    async () => {
      if (fixedMessages.has(version))
        console.log(`SKIP the same messages: SDK ${version} has other names for its code`);
      else console.log(`PASS the same messages: ${await compareMessages(installation, server.folder, env)}`);
    },
    async () => {
      const errors = await server.stop();
      if (errors.length > 0) throw new Error(`the server's log has errors: ${errors.join(' ')}`);
    },
  ];
  let good = true;
  for (const check of checks) {
    try {
      await check();
    } catch (error) {
      console.log(`FAIL tinker ${version}: ${messageOf(error)}`);
      good = false;
    }
  }
  return good;
}

/** What the SDK sees: the server and its key, and none of the user's settings. */
function environmentFor({ url, key, folder }: LocalServer, { torch }: Installation): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([variable]) => !/^(TINKER_|PYTHON)/.test(variable));
  return {
    ...Object.fromEntries(own),
    HOME: folder,
    TINKER_BASE_URL: url,
    TINKER_API_KEY: key,
    PYTHONDONTWRITEBYTECODE: '1',
    ...('folder' in torch && { PYTHONPATH: torch.folder }),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const { values, positionals } = parseArgs({ options: { torch: { type: 'boolean' } }, allowPositionals: true });
const outcomes = [];
for (const version of positionals.length > 0 ? positionals : allVersions) {
  const started = performance.now();
  console.log(`\n== Python SDK ${version}`);
  outcomes.push(await checkVersion(version, values.torch ?? false));
  console.log(`${((performance.now() - started) / 1000).toFixed(0)} s`);
}
if (outcomes.includes(false)) process.exitCode = 1;
else if (!outcomes.includes(true)) process.exitCode = SKIPPED;
