import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RunOrder, RunReport } from './measure.js';
import type { ClientName, Task } from './works.js';

/** How the clients are started here; Python where it could be installed. */
export interface Python {
  readonly interpreter: string;
  /** Where PyTorch is, if it was asked for. */
  readonly path?: string;
}

const LIMIT_MS = 600_000;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const source = (file: string): string =>
  fileURLToPath(new URL(`../../../../test/bench/client/${file}`, import.meta.url));

/** Runs one client's process to its end; gives its report, or the reason why it has none. */
export async function runClient(
  client: ClientName,
  order: RunOrder<Task>,
  python: Python | undefined,
  profile: string | undefined,
): Promise<RunReport | { readonly skipped: string }> {
  const node =
    profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile, '--cpu-prof-name', `${client}.cpuprofile`];
  const [program, ...args] =
    client === 'python'
      ? [python?.interpreter ?? 'python3', source('pythonClient.py')]
      : [
          process.execPath,
          ...node,
          ...(order.task.kind === 'endurance' ? ['--expose-gc'] : []),
          here(`./${client}Client.js`),
        ];
  const env = {
    ...process.env,
    TINKER_TELEMETRY: '0',
    ...(python?.path !== undefined && { PYTHONPATH: python.path }),
  };
  const child = spawn(program, [...args, JSON.stringify(order)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
  await once(child, 'close');
  clearTimeout(timer);
  const lines = output.trim().split('\n');
  const skip = lines.find((line) => line.startsWith('SKIP '));
  if (skip !== undefined) return { skipped: skip.slice('SKIP '.length) };
  const report = lines.findLast((line) => line.startsWith('{'));
  if (report === undefined) throw new Error(`${client} gave no report for ${JSON.stringify(order.task)}: ${errors}`);
  return JSON.parse(report) as RunReport;
}
