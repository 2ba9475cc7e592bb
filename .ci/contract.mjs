// The contract tests that know no server of their own, against the embedded server or any other.
// Usage: npm run contract -- [--base-url URL] [--model NAME]   (the key comes from TINKER_API_KEY)
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './tools.mjs';

const { values } = parseArgs({ options: { 'base-url': { type: 'string' }, model: { type: 'string' } } });
const folder = path.join('test', 'contract');
const files = fs
  .readdirSync(path.join(root, folder))
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => path.join(folder, name))
  .filter((file) => fs.readFileSync(path.join(root, file), 'utf8').includes('openTarget('));
const env = {
  ...process.env,
  ...(values['base-url'] && { RXTINKER_CONTRACT_URL: values['base-url'] }),
  ...(values.model && { RXTINKER_CONTRACT_MODEL: values.model }),
};
const vitest = path.join('node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', ...files], { cwd: root, env, stdio: 'inherit' });
process.exitCode = status ?? 1;
