import { beforeAll, describe, expect, it } from 'vitest';
import { plantedBugs } from './plantedBugs.js';
import { type SimulationResult, simulate } from './simulatedRun.js';
import { violations } from './violations.js';

const STEPS = 7;
const SEEDS = 200;

describe('the simulation finds a bug that is put in by hand:', () => {
  let faultless: SimulationResult;

  beforeAll(async () => {
    faultless = await simulate({ seed: 0, faults: 0, steps: STEPS });
  });

  it.each(plantedBugs)(
    '$name',
    async ({ name, seams, patch }) => {
      const undo = patch?.();
      try {
        const found = await firstFound(seams);
        console.log(found ?? `${name}: not found in ${SEEDS} seeds`);
        expect(found).toBeDefined();
      } finally {
        undo?.();
      }
    },
    120_000,
  );

  async function firstFound(seams: (typeof plantedBugs)[number]['seams']): Promise<string | undefined> {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const result = await simulate({ seed, faults: 0.3, steps: STEPS, ...(seams && { seams: seams() }) });
      const [first] = violations(result, faultless, STEPS);
      if (first !== undefined) return `seed ${seed}: ${first}`;
    }
    return undefined;
  }
});
