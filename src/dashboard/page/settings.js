import { byId } from './dom.js';

const kept = 'rxtinker dashboard';
const form = byId('settings');

/** How the charts are drawn; kept in the browser between visits. `range` is what of the steps is shown, null for all. */
export const settings = { smoothing: 0.6, across: 'step', log: false, filter: '', hidden: new Set(), range: null };

/** Fills in the form, and calls back with each change. */
export function watchSettings(changed) {
  try {
    const { smoothing = settings.smoothing, log = false } = JSON.parse(localStorage.getItem(kept) ?? '{}');
    Object.assign(settings, { smoothing: Number(smoothing), log: log === true });
  } catch {
    // A browser may keep nothing.
  }
  form.smoothing.value = settings.smoothing;
  form.log.checked = settings.log;
  const read = () => {
    const across = form.across.value;
    if (across !== settings.across) settings.range = null;
    settings.smoothing = Number(form.smoothing.value);
    settings.across = across;
    settings.log = form.log.checked;
    settings.filter = form.filter.value.trim().toLowerCase();
    form.querySelector('output').textContent = settings.smoothing === 0 ? 'off' : settings.smoothing.toFixed(2);
  };
  read();
  form.addEventListener('input', () => {
    read();
    try {
      localStorage.setItem(kept, JSON.stringify({ smoothing: settings.smoothing, log: settings.log }));
    } catch {
      // As above.
    }
    changed();
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  byId('reset').addEventListener('click', () => {
    settings.range = null;
    changed();
  });
}
