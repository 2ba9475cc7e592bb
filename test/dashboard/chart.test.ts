import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { downsample } from '../../src/dashboard/page/downsample.js';
import { MetricColumns } from '../../src/dashboard/page/metricColumns.js';
import { SmoothedSeries } from '../../src/dashboard/page/smoothedSeries.js';
import { throughputOf } from '../../src/dashboard/page/throughputOf.js';

const values = fc.array(fc.oneof(fc.constant(null), fc.double({ min: -1e3, max: 1e3, noNaN: true })), {
  minLength: 1,
  maxLength: 400,
});

describe('downsample', () => {
  it('keeps the least and the greatest value, in order, and no more than four points of a stretch', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 20 }), (y, stretches) => {
        const x = y.map((_, index) => index);
        const line = downsample(x, y, { from: 0, to: x.length - 1, stretches });
        const known = y.filter((value) => value !== null);
        expect(line.x).toEqual([...line.x].sort((a, b) => a - b));
        expect(line.y).toEqual(line.x.map((at) => y[at]));
        expect(line.x.length).toBeLessThanOrEqual(4 * (stretches + 1) + 2);
        if (known.length === 0) return;
        expect(Math.max(...line.y)).toBe(Math.max(...known));
        expect(Math.min(...line.y)).toBe(Math.min(...known));
      }),
    );
  });

  it('keeps a point on each side of the range, so that the line leaves the picture', () => {
    const x = [0, 1, 2, 3, 4, 5, 6];
    expect(downsample(x, x, { from: 2.5, to: 4.5, stretches: 100 }).x).toEqual([2, 3, 4, 5]);
  });
});

describe('SmoothedSeries', () => {
  it('is the average weighted by powers of the weight, missing values passed over', () => {
    const smoothed = new SmoothedSeries(0.5).extendTo([1, null, 3, 5]);
    expect(smoothed[0]).toBe(1);
    expect(smoothed[1]).toBeNull();
    expect(smoothed[2]).toBeCloseTo((3 + 0.5 * 1) / 1.5, 12);
    expect(smoothed[3]).toBeCloseTo((5 + 0.5 * 3 + 0.25 * 1) / 1.75, 12);
  });

  it('gives the same however the series grew, the last value being open to change', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 0.99, noNaN: true }), fc.nat(400), (series, weight, position) => {
        const cut = position % series.length;
        const grown = new SmoothedSeries(weight);
        grown.extendTo([...series.slice(0, cut), 7]);
        expect([...grown.extendTo(series.slice(0, cut + 1))]).toEqual([
          ...new SmoothedSeries(weight).extendTo(series.slice(0, cut + 1)),
        ]);
        expect([...grown.extendTo(series)]).toEqual([...new SmoothedSeries(weight).extendTo(series)]);
      }),
    );
  });
});

describe('throughputOf', () => {
  it('counts steps and tokens by the times of the latest rows', () => {
    const columns = new MetricColumns();
    for (let step = 0; step < 50; step++) columns.add(step, 1e12 + 500 * step, [['num_tokens:sum', 1000]]);
    expect(throughputOf(columns)).toEqual({ stepsPerSecond: 2, tokensPerSecond: 2000 });
  });

  it('takes the metric that says how long a step took where rows have no times', () => {
    const columns = new MetricColumns();
    for (let step = 0; step < 5; step++) columns.add(step, null, [['time/step', 4]]);
    expect(throughputOf(columns)).toEqual({ stepsPerSecond: 0.25 });
  });

  it('says nothing of a run that tells neither', () => {
    const columns = new MetricColumns();
    columns.add(0, null, [['loss', 1]]);
    expect(throughputOf(columns)).toEqual({});
  });
});
