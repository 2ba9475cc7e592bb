import { byId, element, swatch } from './dom.js';
import { durationText } from './words.js';

const shownOperations = 10;
const states = ['queued', 'sent', 'computing'];
const words = {
  queued: 'queued',
  sent: 'sent, waits',
  computing: 'computing',
  done: 'done in',
  failed: 'failed after',
};

/** The operations of each run: queued, sent, being computed, done. */
export function showLane(runs, indexOf, now) {
  const panel = byId('lane');
  const working = runs.filter(({ operations }) => operations.size > 0);
  panel.hidden = working.length === 0;
  if (panel.hidden) return;
  const legend = element(
    'p',
    { className: 'legend' },
    ...states.map((state) => element('span', {}, element('i', { className: state }), state)),
  );
  panel.replaceChildren(
    element('h2', {}, 'Operations'),
    ...working.flatMap((run) => laneOf(run, indexOf(run), now)),
    legend,
  );
}

function laneOf(run, index, now) {
  const all = [...run.operations.values()];
  const count = (state) => all.filter((entry) => entry.state === state).length;
  const counts = states.map((state) => [count(state), state]).filter(([number]) => number > 0);
  const summary = [...counts, [run.done, 'done']].map(([number, state]) => `${number} ${state}`).join(' · ');
  const unfinished = all.filter(({ state }) => states.includes(state));
  const finished = all.filter(({ state }) => !states.includes(state));
  const room = Math.max(2, shownOperations - unfinished.length);
  const shown = [...finished.slice(-room), ...unfinished.slice(0, shownOperations)].slice(-shownOperations);
  const from = Math.min(...shown.map(beginOf));
  const to =
    unfinished.length > 0 ? Math.max(now, from + 1) : Math.max(from + 1, ...shown.map((entry) => endOf(entry, now)));
  return [
    element('div', { className: 'title' }, swatch(index), element('h3', {}, run.name)),
    element('p', { className: 'quiet' }, summary),
    element('ol', { className: 'lane' }, ...shown.map((entry) => rowOf(entry, { from, to, now }))),
  ];
}

const beginOf = ({ times }) => Math.min(...Object.values(times));
const endOf = ({ times }, now) => times.done ?? times.failed ?? now;

function rowOf(entry, { from, to, now }) {
  const { operation, state, seqId, times, message } = entry;
  const end = endOf(entry, now);
  const place = (time) => `${((100 * (time - from)) / (to - from)).toFixed(2)}%`;
  const parts = states.flatMap((name, at) => {
    const begin = times[name];
    if (begin === undefined) return [];
    const next =
      states
        .slice(at + 1)
        .map((later) => times[later])
        .find((time) => time !== undefined) ?? end;
    const part = element('i', { className: times.failed !== undefined && next === end ? 'failed' : name });
    part.style.left = place(begin);
    part.style.right = `calc(100% - ${place(Math.max(next, begin))})`;
    return [part];
  });
  const since = states.includes(state) ? now - (times[state] ?? now) : end - beginOf(entry);
  return element(
    'li',
    { className: `is-${state}`, title: message ?? `${operation}${seqId === undefined ? '' : `, seq_id ${seqId}`}` },
    element('span', { className: 'seq' }, seqId === undefined ? '' : String(seqId)),
    element('span', { className: 'operation' }, operation),
    element('span', { className: 'bar' }, ...parts),
    element('span', { className: 'state' }, `${words[state]} ${durationText(since)}`),
  );
}
