import { showCharts } from './charts.js';
import { showCheckpoints } from './checkpointsPanel.js';
import { connect } from './connection.js';
import { byId, setText } from './dom.js';
import { showLane } from './lanePanel.js';
import { showEmpty, showNotices } from './notices.js';
import { showRuns } from './runTable.js';
import { showSamples } from './samplesPanel.js';
import { settings, watchSettings } from './settings.js';

/** Of the charts at least so much time lies between two drawings, that a page with many points stays quick. */
const chartsMs = 250;

const connection = { state: 'new', since: 0 };
let histories;
let isDue = false;
let chartsDrawn = 0;
let chartsLater;

function all() {
  const runs = [...(histories?.runs.values() ?? [])];
  const indexes = new Map(runs.map((run, index) => [run.id, index]));
  const indexOf = (run) => indexes.get(run.id) ?? 0;
  return { runs, shown: runs.filter(({ id }) => !settings.hidden.has(id)), indexOf };
}

function isEmpty({ columns, operations, samples, checkpoints }) {
  return columns.length === 0 && operations.size === 0 && samples.length === 0 && checkpoints.size === 0;
}

function drawCharts() {
  clearTimeout(chartsLater);
  chartsLater = undefined;
  const started = performance.now();
  const { shown, indexOf } = all();
  showCharts(shown, indexOf, drawCharts);
  chartsDrawn = performance.now();
  // Drawing never takes more than about half of the time.
  chartsDrawn += Math.max(0, chartsDrawn - started - chartsMs);
}

function drawChartsSoon() {
  chartsLater ??= setTimeout(drawCharts, Math.max(0, chartsDrawn + chartsMs - performance.now()));
}

function draw() {
  isDue = false;
  const now = Date.now();
  const { runs, shown, indexOf } = all();
  const nothing = runs.every(isEmpty);
  showNotices(runs, connection, now);
  showEmpty(runs, nothing && connection.state !== 'new', connection.state === 'lost' && runs.length === 0);
  document.querySelector('main').hidden = nothing;
  if (nothing) return;
  showRuns(runs, drawEverything, now);
  showLane(shown, indexOf, now);
  showSamples(shown, indexOf);
  showCheckpoints(shown, indexOf, now);
  const panels = [...document.querySelectorAll('aside > section')];
  document.querySelector('.columns').classList.toggle(
    'single',
    panels.every(({ hidden }) => hidden),
  );
}

function drawSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(draw);
}

function drawEverything() {
  drawSoon();
  drawCharts();
}

watchSettings(drawCharts);
connect({
  changed: (latest) => {
    histories = latest;
    drawSoon();
    drawChartsSoon();
  },
  told: (state, since = 0) => {
    Object.assign(connection, { state, since });
    const line = byId('connection');
    line.className = state;
    setText(line, state === 'live' ? 'following live' : 'no answer from the server');
    drawSoon();
  },
});
fetch('hint')
  .then(async (answer) => setText(byId('hint'), answer.ok ? await answer.text() : ''))
  .catch(() => undefined);
// Times that are told as how long ago go on.
setInterval(drawSoon, 1000);
