import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

const buildScript = fileURLToPath(new URL('../../.ci/build.mjs', import.meta.url));

/** Brings `dist/` up to date. Type errors are shown and do not stop a test run: `npm test` has checked them before. */
function build(): void {
  const { status } = spawnSync(process.execPath, [buildScript, '--allow-type-errors'], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`The build before the tests failed with status ${String(status)}.`);
}

/** vitest's global setup: workers, the command line and examples run compiled, so tests need a fresh `dist/`. */
export function setup(project: TestProject): void {
  build();
  project.onTestsRerun(() => {
    build();
    return Promise.resolve();
  });
}
