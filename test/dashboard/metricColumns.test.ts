import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MetricColumns } from '../../src/dashboard/page/metricColumns.js';

function columnsOf(rows: readonly (readonly [number, Record<string, number>])[]): MetricColumns {
  const columns = new MetricColumns();
  for (const [step, metrics] of rows) columns.add(step, null, Object.entries(metrics));
  return columns;
}

describe('MetricColumns', () => {
  it('puts the metrics of one step into one row, with null where a step has none', () => {
    const columns = columnsOf([
      [0, { loss: 3 }],
      [0, { norm: 1 }],
      [1, { loss: 2 }],
      [2, { reward: 0.5 }],
    ]);
    expect(columns.steps).toEqual([0, 1, 2]);
    expect(Object.fromEntries(columns.values)).toEqual({
      loss: [3, 2, null],
      norm: [1, null, null],
      reward: [null, null, 0.5],
    });
  });

  it('forgets what came after the step to which a resumed run goes back', () => {
    const columns = columnsOf([
      ...[0, 1, 2, 3, 4].map((step) => [step, { loss: 10 - step }] as const),
      [2, { loss: 8.5 }],
      [3, { loss: 7.5 }],
    ]);
    expect(columns.steps).toEqual([0, 1, 2, 3]);
    expect(columns.values.get('loss')).toEqual([10, 9, 8.5, 7.5]);
  });

  it('keeps the steps in order and all columns of one length, whatever comes', () => {
    const row = fc.tuple(fc.nat(30), fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.double({ noNaN: true })));
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), (rows) => {
        const columns = columnsOf(rows);
        const { steps } = columns;
        expect(steps.every((step, index) => index === 0 || step > (steps[index - 1] ?? Infinity))).toBe(true);
        expect(steps.at(-1)).toBe(rows.at(-1)?.[0]);
        for (const column of columns.values.values()) expect(column).toHaveLength(steps.length);
      }),
    );
  });

  it('keeps every second row of a run that grows too long, and goes on at that rate', () => {
    const columns = new MetricColumns();
    for (let step = 0; step < 250_000; step++) columns.add(step, null, [['loss', step]]);
    expect(columns.length).toBeGreaterThan(100_000);
    expect(columns.length).toBeLessThan(200_001);
    expect(columns.values.get('loss')).toEqual(columns.steps);
    expect(columns.steps.at(-1)).toBeGreaterThan(249_990);
  });
});
