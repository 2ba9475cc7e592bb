import { byId } from './dom.js';
import { extentOf } from './chartLines.js';
import { MetricChart } from './metricChart.js';
import { settings } from './settings.js';
import { orderedMetrics } from './words.js';

const charts = new Map();
const visible = new Set();
let latest;

/** What is out of sight is drawn when it comes into sight. */
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const chart = [...charts.values()].find(({ node }) => node === target);
      if (isIntersecting) visible.add(chart);
      else visible.delete(chart);
    }
    drawVisible();
  },
  { rootMargin: '200px' },
);
new ResizeObserver(() => drawVisible()).observe(byId('grid'));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawVisible());

/** A chart for each metric of the runs that are shown. */
export function showCharts(runs, indexOf, changed) {
  const all = runs.flatMap(({ columns }) => [...columns.values.keys()]);
  // How far a run is shows in the steps already.
  const names = new Set(all.filter((name) => !name.startsWith('progress/')));
  const wanted = orderedMetrics(names).filter((name) => name.toLowerCase().includes(settings.filter));
  const grid = byId('grid');
  for (const [name, { node }] of charts) {
    if (wanted.includes(name)) continue;
    watcher.unobserve(node);
    visible.delete(charts.get(name));
    charts.delete(name);
    node.remove();
  }
  wanted.forEach((name, place) => {
    let chart = charts.get(name);
    if (chart === undefined) {
      chart = new MetricChart(name, (range) => {
        settings.range = range === null ? null : within(range, extentOf(latest.runs, settings.across));
        changed();
      });
      charts.set(name, chart);
      watcher.observe(chart.node);
    }
    chart.node.classList.toggle('main', place === 0);
    if (grid.children[place] !== chart.node) grid.insertBefore(chart.node, grid.children[place] ?? null);
  });
  const none = byId('none');
  none.hidden = wanted.length > 0;
  none.textContent = names.size === 0 ? 'No metrics yet.' : 'No metric has this in its name.';
  latest = { runs, indexOf };
  byId('reset').disabled = settings.range === null;
  drawVisible();
}

function drawVisible() {
  if (latest === undefined) return;
  const range = settings.range ?? extentOf(latest.runs, settings.across);
  for (const chart of visible) chart.draw(latest.runs, latest.indexOf, settings, range);
}

/** What is shown stays within what there is, moved rather than cut; null for all of it. */
function within({ from, to }, all) {
  const width = to - from;
  if (!(width > 0) || width >= all.to - all.from) return null;
  const start = Math.min(Math.max(from, all.from), all.to - width);
  return { from: start, to: start + width };
}
