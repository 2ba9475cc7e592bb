import { type LogLevel, type Logger, logLevels } from '../log.js';
import type { LiveLine } from './output/liveLine.js';

/** A logger that writes above the line of progress; by default warnings and errors. */
export function makeLog(level: string | undefined, live: LiveLine): Logger {
  const least = logLevels.find((name) => name === level?.toLowerCase()) ?? 'warn';
  const write = (at: LogLevel) => (message: string) => {
    if (logLevels.indexOf(at) >= logLevels.indexOf(least)) live.above(`[rxtinker ${at}] ${message}`);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
