import { RunHistories } from './runHistories.js';

/** Without a sign of life for so long, the connection is made anew. */
const silenceMs = 25_000;
const againMs = 2000;

/**
 * Follows the server's events.
 *
 * `changed(histories)` is called when something came, `told(state, since)` when the connection became `live`, or `lost`
 * at a time.
 */
export function connect({ changed, told }) {
  let histories = new RunHistories();
  let source;
  let alive = Date.now();
  let lostSince;

  const sign = () => {
    alive = Date.now();
    if (lostSince !== undefined || source.isNew) told('live');
    lostSince = undefined;
    source.isNew = false;
  };
  const lose = () => {
    lostSince ??= alive;
    told('lost', lostSince);
  };
  const open = () => {
    source?.close();
    source = new EventSource('events');
    source.isNew = true;
    source.addEventListener('start', () => {
      histories = new RunHistories();
      sign();
      changed(histories);
    });
    source.addEventListener('change', (message) => {
      sign();
      for (const event of JSON.parse(message.data)) histories.apply(event);
      changed(histories);
    });
    source.addEventListener('ping', sign);
    source.addEventListener('error', () => {
      lose();
      // A browser gives up by itself where the answer was no stream of events.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, againMs);
    });
  };
  open();
  setInterval(() => {
    if (Date.now() - alive < silenceMs) return;
    alive = Date.now();
    lose();
    open();
  }, 5000);
}
