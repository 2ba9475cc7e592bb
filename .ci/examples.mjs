// Runs every example of examples/ as a user would: compiled, on the embedded server, without keys or a network,
// in an empty folder, each within a time limit. Tests among the examples are run by vitest.
// Usage: node .ci/examples.mjs [part of a name]
import * as fs from 'node:fs';
import path from 'node:path';
import { cleanEnvironment, Report, root, run, temporaryFolder } from './tools.mjs';

const limitSeconds = 120;
const wanted = process.argv[2] ?? '';

const names = fs
  .readdirSync(path.join(root, 'examples'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file.includes(wanted))
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();

const report = new Report();
for (const name of names) {
  const folder = temporaryFolder();
  const { status, output, seconds } = await run(
    process.execPath,
    [
      '--enable-source-maps',
      '--import',
      path.join(root, '.ci/offline.mjs'),
      path.join(root, 'dist/examples', `${name}.js`),
    ],
    { cwd: folder, env: cleanEnvironment(folder), limitSeconds },
  );
  if (status === 0) report.pass(name, seconds);
  else report.fail(`${name}: status ${status}`, output);
}
report.end('examples');
