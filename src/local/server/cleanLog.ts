import type { ServerLog } from './serverLog.js';

const longest = 2000;

/** A log whose lines hold no key and no control characters, whatever clients sent, and are of bounded length. */
export function cleanLog(log: ServerLog, keys: readonly string[]): ServerLog {
  return (level, message) => {
    const open = keys.reduce((text, key) => text.replaceAll(key, '[key]'), message);
    const line = open.replaceAll(/\p{Cc}/gu, ' ');
    log(level, line.length > longest ? `${line.slice(0, longest)}…` : line);
  };
}
