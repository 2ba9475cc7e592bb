import { downsample } from './downsample.js';
import { SmoothedSeries } from './smoothedSeries.js';

/** What was smoothed, by the column that it was smoothed from; a column that changed is another array. */
const smoothed = new WeakMap();

function smooth(column, weight) {
  let kept = smoothed.get(column);
  if (kept?.weight !== weight) {
    kept = { weight, series: new SmoothedSeries(weight) };
    smoothed.set(column, kept);
  }
  return kept.series.extendTo(column);
}

/** Where a run's values are across a chart, with the values: by step, or by seconds since the run's first known time. */
function placed(columns, column, across) {
  if (across === 'step') return { x: columns.steps, y: column };
  const known = columns.times.map((time, row) => (time === null ? -1 : row)).filter((row) => row >= 0);
  const begin = columns.times[known[0]];
  return { x: known.map((row) => (columns.times[row] - begin) / 1000), y: known.map((row) => column[row]) };
}

/** The steps, or seconds, that all of these runs take up. */
export function extentOf(runs, across) {
  let [from, to] = [Infinity, -Infinity];
  for (const { columns } of runs) {
    const x = across === 'step' ? columns.steps : placed(columns, [], across).x;
    if (x.length === 0) continue;
    from = Math.min(from, x[0]);
    to = Math.max(to, x[x.length - 1]);
  }
  return from <= to ? { from, to: to === from ? from + 1 : to } : { from: 0, to: 1 };
}

/** The lines of one metric: for each run that has it the values, and smoothed; no more points than can be seen. */
export function linesOf(name, runs, { smoothing, across, range, pixels, log }) {
  return runs.flatMap((run) => {
    const column = run.columns.values.get(name);
    if (column === undefined) return [];
    const stretches = Math.max(50, Math.floor(pixels / 2));
    const line = (values) => {
      const { x, y } = placed(run.columns, values, across);
      // A logarithm needs something above 0.
      const drawn = log ? y.map((value) => (value > 0 ? value : null)) : y;
      return downsample(x, drawn, { ...range, stretches });
    };
    return [{ run, raw: line(column), smooth: smoothing === 0 ? undefined : line(smooth(column, smoothing)) }];
  });
}
