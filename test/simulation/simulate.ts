// Simulates many runs over a faulty network: npm run simulate -- --seeds 1000 --faults 0.3 [--from 1] [--steps 8]
// One failing run again, told in full:      npm run simulate -- --seed 17 --faults 0.3 --steps 8
import { parseArgs } from 'node:util';
import { type SimulationResult, simulate } from './simulatedRun.js';
import { violations } from './violations.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    faults: { type: 'string', default: '0.3' },
    steps: { type: 'string', default: '8' },
  },
});

/** Runs between two lines of progress. */
const PROGRESS = 100;

process.exitCode = (await main()) ? 0 : 1;

async function main(): Promise<boolean> {
  const [faults, steps] = [number('faults', 0, 0.9), number('steps', 1, 1000)];
  const faultless = await simulate({ seed: 0, faults: 0, steps });
  if (values.seed !== undefined) {
    const result = await simulate({ seed: number('seed', 0, 2 ** 31), faults, steps });
    const broken = violations(result, faultless, steps);
    console.log([...result.ledger.story, '', describeFaults(result.ledger.happened), ...broken].join('\n'));
    return broken.length === 0;
  }
  return runAll(faultless, faults, steps);
}

async function runAll(faultless: SimulationResult, faults: number, steps: number): Promise<boolean> {
  const [from, seeds] = [number('from', 1, 2 ** 31), number('seeds', 1, 2 ** 31)];
  const happened = new Map<string, number>();
  const started = performance.now();
  let [failed, resumed, virtualSeconds] = [0, 0, 0];
  for (let seed = from; seed < from + seeds; seed += 1) {
    const result = await simulate({ seed, faults, steps });
    const [first] = violations(result, faultless, steps);
    for (const [what, times] of result.ledger.happened) happened.set(what, (happened.get(what) ?? 0) + times);
    resumed += result.ledger.interruptions.length;
    virtualSeconds += result.virtualSeconds;
    if (first !== undefined) {
      failed += 1;
      console.log(`npm run simulate -- --seed ${seed} --faults ${faults} --steps ${steps}   # ${first}`);
    }
    const done = seed - from + 1;
    if (done % PROGRESS === 0 && done < seeds) console.log(`${done} of ${seeds} runs, ${failed} failed`);
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${seeds} runs of ${steps} steps, ${failed} failed, ${resumed} resumed from a checkpoint; ` +
      `${(virtualSeconds / 3600).toFixed(1)} simulated hours in ${seconds.toFixed(0)} s`,
  );
  console.log(describeFaults(happened));
  return failed === 0;
}

function describeFaults(happened: ReadonlyMap<string, number>): string {
  const faults = [...happened].sort(([, a], [, b]) => b - a).map(([what, times]) => `${what} ${times}`);
  return `What happened: ${faults.join(', ') || 'no fault'}`;
}

function number(option: 'seed' | 'seeds' | 'from' | 'faults' | 'steps', least: number, most: number): number {
  const value = Number(values[option]);
  if (value >= least && value <= most) return value;
  throw new RangeError(`Expected --${option} as a number from ${least} to ${most}, got ${String(values[option])}.`);
}
