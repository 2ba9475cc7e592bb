import { beforeAll, describe, expect, it } from 'vitest';
import { type SimulationResult, simulate } from './simulatedRun.js';
import { violations } from './violations.js';

const STEPS = 7;
const SEEDS = 200;
const FAULTS = 0.3;

describe('a run over a faulty network, with crashes of both ends', () => {
  let faultless: SimulationResult;
  const happened = new Map<string, number>();

  beforeAll(async () => {
    faultless = await simulate({ seed: 0, faults: 0, steps: STEPS });
  });

  it('is undisturbed where there are no faults', () => {
    const { ledger } = faultless;
    expect(ledger.finished?.batch).toBe(STEPS);
    expect(ledger.entries.map(({ batch }) => batch)).toEqual([3, 6, 7]);
    expect(ledger.samples.map(({ batch }) => batch)).toEqual([3, 6, 7]);
    expect([...ledger.interruptions, ...ledger.happened.keys()]).toEqual([]);
    expect(violations(faultless, faultless, STEPS)).toEqual([]);
  });

  it('ends in the same weights, told the truth, with nothing left over, whatever the seed brings', async () => {
    const failed: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const result = await simulate({ seed, faults: FAULTS, steps: STEPS });
      for (const [what, times] of result.ledger.happened) happened.set(what, (happened.get(what) ?? 0) + times);
      const [first] = violations(result, faultless, STEPS);
      if (first !== undefined) {
        failed.push(`npm run simulate -- --seed ${seed} --faults ${FAULTS} --steps ${STEPS}   # ${first}`);
      }
    }
    expect(failed).toEqual([]);
  }, 240_000);

  it('has met every kind of fault', () => {
    const kinds = [
      'lost request',
      'lost answer',
      'duplicate',
      'late request',
      'late answer',
      'reset in mid-body',
      'status of a proxy',
      'status with retry-after',
      'empty 400',
      'billing pause',
      'evicted result',
      'cut answer',
      'server crash',
      'server crash while closing',
      'client crash',
      'clock jump',
      'hanging client',
    ];
    expect(kinds.filter((kind) => !happened.has(kind))).toEqual([]);
  });

  it('is the same each time for one seed', async () => {
    const again = { seed: 11, faults: FAULTS, steps: STEPS };
    expect((await simulate(again)).ledger.story).toEqual((await simulate(again)).ledger.story);
  });
});
