import { byId, element } from './dom.js';
import { agoText } from './words.js';

let shown = '';

/** Says in plain words what is wrong: with the connection, with a run. */
export function showNotices(runs, connection, now) {
  const lost =
    connection.state === 'lost'
      ? [
          {
            className: 'bad',
            text: `The dashboard’s server does not answer. What is shown came ${agoText(connection.since, now).replace('now', 'just now')}; this page asks again every few seconds. If the server was stopped, start it again.`,
          },
        ]
      : [];
  const noted = runs
    .filter(({ note, columns, state }) => note !== '' && (columns.length > 0 || state === 'stalled'))
    .map(({ name, note, state }) => ({ className: state === 'stalled' ? 'bad' : '', text: `${name}: ${note}` }));
  const notices = [...lost, ...noted];
  const key = JSON.stringify(notices);
  if (key === shown) return;
  shown = key;
  byId('notices').replaceChildren(...notices.map(({ className, text }) => element('p', { className }, text)));
}

/** Says where nothing has come yet what to do. */
export function showEmpty(runs, isEmpty, isLost) {
  byId('empty').hidden = !isEmpty || isLost;
  if (!isEmpty) return;
  const notes = runs.map(({ name, note }) => `${name}: ${note || 'no metrics yet'}`);
  byId('waiting').replaceChildren(...notes.map((note) => element('li', {}, note)));
}
