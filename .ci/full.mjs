// The long checks, run by hand or by night: too slow for every change.
// Usage: node .ci/full.mjs [part of a name]
import { randomInt } from 'node:crypto';
import path from 'node:path';
import { Report, run, temporaryFolder } from './tools.mjs';

/** Each check returns undefined when good, `skip(reason)` where it can't run here, or throws. */
const skip = (reason) => ({ reason });

const checks = {
  'tests with another seed': async () => {
    const seed = String(randomInt(2 ** 31));
    console.log(`RXTINKER_TEST_SEED=${seed}`);
    await runShown('npm', ['test'], { RXTINKER_TEST_SEED: seed });
  },
  'mutated requests': async () => {
    const settings = { RXTINKER_HANDLE_FUZZ_RUNS: '100000', RXTINKER_HANDLE_FUZZ_SEED: String(randomInt(2 ** 31)) };
    console.log(`RXTINKER_HANDLE_FUZZ_SEED=${settings.RXTINKER_HANDLE_FUZZ_SEED}`);
    await runShown('npx', ['vitest', 'run', 'test/local/server/handleFuzz.test.ts'], settings);
  },
  '10,000 simulated runs': () => runShown('npm', ['run', '--silent', 'simulate', '--', '--seeds', '10000']),
  'run that survives everything': () =>
    runShown('npx', ['vitest', 'run', 'test/survival'], { RXTINKER_SURVIVAL: 'long' }),
  'thousands of samples and pollers at once': () => runShown('npm', ['run', '--silent', 'bench:load']),
  'SkyRL server': () => interop('skyrl'),
  'Python SDK': () => interop('python-sdk', '--torch'),
  stories15M: () => interop('stories'),
  'a model of 135 million parameters in 4 GB': () => runShown('npm', ['run', '--silent', 'bench:large']),
  'tests on Node 20.19': () => testsOnNode('20.19'),
  'tests on Node 22': () => testsOnNode('22'),
  'tests on Node 24': () => testsOnNode('24'),
};

/** Runs a check against software of others; it ends with 77 where that can't be installed. */
async function interop(folder, ...args) {
  await runShown('npm', ['run', 'build', '--silent']);
  const { status, stdout } = await run(
    'node',
    ['--enable-source-maps', `dist/test/interop/${folder}/main.js`, ...args],
    {
      limitSeconds: 1800,
      show: true,
    },
  );
  if (status === 77)
    return skip(
      stdout
        .trimEnd()
        .split('\n')
        .findLast((line) => line.startsWith('SKIP')),
    );
  if (status !== 0) throw new Error(`it ended with status ${status}`);
}

/** Runs the tests on the newest Node of a version, whose binary comes as an npm package. */
async function testsOnNode(version) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = temporaryFolder();
  const install = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder];
  const { status, output } = await run('npm', [...install, `${name}@${version}`], { limitSeconds: 300 });
  if (status !== 0) return skip(`${name}@${version} can't be installed: ${output.trimEnd().split('\n').at(-1)}`);
  const node = path.join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  await runShown(node, ['--version']);
  await runShown(node, ['node_modules/vitest/vitest.mjs', 'run']);
}

async function runShown(command, args, extraEnvironment = {}) {
  const { status } = await run(command, args, {
    env: { ...process.env, ...extraEnvironment },
    limitSeconds: 1800,
    show: true,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with status ${status}`);
}

const report = new Report();
for (const [name, check] of Object.entries(checks)) {
  if (!name.includes(process.argv[2] ?? '')) continue;
  console.log(`\n== ${name}`);
  const started = performance.now();
  try {
    const skipped = await check();
    if (skipped) console.log(`SKIP  ${name}: ${skipped.reason}`);
    else report.pass(name, (performance.now() - started) / 1000);
  } catch (error) {
    report.fail(name, String(error));
  }
}
report.end('full');
