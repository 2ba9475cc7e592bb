import { byId, element, swatch } from './dom.js';
import { agoText, numberText } from './words.js';

let shown = '';

/** The checkpoints of each run, latest first. */
export function showCheckpoints(runs, indexOf, now) {
  const panel = byId('checkpoints');
  const all = runs.flatMap((run) => [...run.checkpoints.values()].reverse().map((checkpoint) => ({ run, checkpoint })));
  panel.hidden = all.length === 0;
  const rows = all.map(({ run, checkpoint }) => [indexOf(run), checkpoint, agoText(checkpoint.time, now)]);
  const key = JSON.stringify(rows);
  if (panel.hidden || key === shown) return;
  shown = key;
  const scrolled = panel.querySelector('.scroll')?.scrollTop ?? 0;
  const table = element('table', {}, element('tbody', {}, ...rows.map((row) => rowOf(...row))));
  const scroll = element('div', { className: 'scroll' }, table);
  panel.replaceChildren(element('h2', {}, 'Checkpoints'), scroll);
  scroll.scrollTop = scrolled;
}

function rowOf(index, { path, name, step }, ago) {
  const copy = element('button', { type: 'button', title: path, ariaLabel: `Copy the path ${path}` }, 'Copy path');
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(path);
    copy.textContent = 'Copied';
    setTimeout(() => (copy.textContent = 'Copy path'), 1500);
  });
  const title = name ?? path.replace(/^.*\//, '');
  return element(
    'tr',
    {},
    element('td', { title: path }, swatch(index), ' ', title),
    element('td', { className: 'quiet' }, kindOf(path)),
    element('td', { className: 'number quiet' }, step === undefined ? '' : `step ${numberText(step)}`),
    element('td', { className: 'quiet' }, ago === '–' ? '' : ago),
    element('td', { className: 'number' }, copy),
  );
}

/** A state and the weights for sampling are often saved under one name. */
function kindOf(path) {
  if (path.includes('/sampler_weights/')) return 'for sampling';
  return path.includes('/weights/') ? 'state' : '';
}
