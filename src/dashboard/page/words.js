/** A number in a few digits: 0.01234, 1.234, 12,345, 1.2e-7. */
export function numberText(value) {
  if (value === null || value === undefined) return '–';
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(2);
  if (Number.isInteger(value) || size >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(4)));
}

/** A length of time: 340 ms, 4.2 s, 3 min 5 s, 2 h 10 min. */
export function durationText(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long ago something was. */
export function agoText(time, now) {
  if (time === null || time === undefined) return '–';
  const seconds = Math.floor((now - time) / 1000);
  if (seconds < 2) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(time).toLocaleDateString();
}

const queueWords = {
  active: 'working',
  paused_rate_limit: 'paused: too many clients train at once',
  paused_capacity: 'paused: the server is full',
  unknown: 'in an unknown state',
};

/** The state of a run's queue in plain words. */
export function queueText(queue) {
  if (queue === undefined) return '–';
  const words = queueWords[queue.state] ?? queue.state;
  return queue.reason ? `${words} (${queue.reason})` : words;
}

const mainMetrics = ['train_mean_nll', 'loss:sum', 'loss', 'train/loss', 'train_loss', 'loss:mean'];

/** The names of metrics: the loss first, then other losses and rewards, then the rest by name. */
export function orderedMetrics(names) {
  const rank = (name) => {
    const known = mainMetrics.indexOf(name);
    if (known >= 0) return known;
    if (/loss|nll/.test(name)) return 10;
    return /reward|accuracy|correct/.test(name) ? 11 : 12;
  };
  return [...names].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}
