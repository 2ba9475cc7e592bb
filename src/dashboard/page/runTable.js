import { byId, element, setText, swatch } from './dom.js';
import { settings } from './settings.js';
import { throughputOf } from './throughputOf.js';
import { agoText, numberText, orderedMetrics, queueText } from './words.js';

const headings = ['Run', 'Step', 'Loss', 'Steps/s', 'Tokens/s', 'Queue', 'Last change'];
const numbers = new Set([1, 2, 3, 4]);
const rows = new Map();
let body;

/** The table of runs: which to show, and how each is doing. */
export function showRuns(runs, changed, now) {
  if (body === undefined) {
    const cells = headings.map((name, at) =>
      element('th', { scope: 'col', className: numbers.has(at) ? 'number' : '' }, name),
    );
    body = element('tbody');
    byId('runs').append(element('table', {}, element('thead', {}, element('tr', {}, ...cells)), body));
  }
  const ids = new Set(runs.map(({ id }) => id));
  for (const [id, { row }] of rows) {
    if (ids.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
  runs.forEach((run, index) => {
    if (!rows.has(run.id)) rows.set(run.id, makeRow(run, index, changed));
    const { cells, name } = rows.get(run.id);
    setText(name, run.name);
    textsOf(run, now).forEach((text, at) => setText(cells[at], text));
  });
}

function makeRow(run, index, changed) {
  const box = element('input', { type: 'checkbox', checked: !settings.hidden.has(run.id) });
  box.addEventListener('change', () => {
    if (box.checked) settings.hidden.delete(run.id);
    else settings.hidden.add(run.id);
    changed();
  });
  const name = element('span');
  const first = element('td', {}, element('label', { title: run.id }, box, swatch(index), name));
  const cells = headings.slice(1).map((_, at) => element('td', { className: numbers.has(at + 1) ? 'number' : '' }));
  const row = element('tr', {}, first, ...cells);
  body.append(row);
  return { row, cells, name };
}

function textsOf(run, now) {
  const { columns, state } = run;
  const main = orderedMetrics(columns.values.keys()).find((name) => /loss|nll/.test(name));
  const loss = main === undefined ? undefined : columns.values.get(main).findLast((value) => value !== null);
  const { stepsPerSecond, tokensPerSecond } = throughputOf(columns);
  const ends = { ended: 'ended', waiting: 'waiting for it', stalled: 'can’t be followed' };
  return [
    columns.length === 0 ? '–' : numberText(columns.steps.at(-1)),
    numberText(loss),
    numberText(stepsPerSecond),
    tokensPerSecond === undefined ? '–' : numberText(Math.round(tokensPerSecond)),
    ends[state] ?? (run.queue === undefined ? waitingText(run) : queueText(run.queue)),
    agoText(columns.times.at(-1) ?? [...run.operations.values()].at(-1)?.times.queued, now),
  ];
}

/** Of a run whose queue nobody tells of, what can be seen of its operations. */
function waitingText({ operations }) {
  if (operations.size === 0) return '–';
  const waiting = [...operations.values()].filter(({ state }) => state === 'queued').length;
  if (waiting > 0) return `working, ${waiting} queued`;
  return [...operations.values()].some(({ state }) => state === 'computing') ? 'working' : 'idle';
}
