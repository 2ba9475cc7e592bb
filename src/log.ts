/** How much is logged: each level with those after it. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** How much is logged: each level with those after it in this order. */
export type LogLevel = (typeof logLevels)[number];

/** Where messages go. */
export interface Logger {
  /** What helps to find a fault. */
  debug(message: string): void;
  /** What a person may like to know. */
  info(message: string): void;
  /** What may need a look. */
  warn(message: string): void;
  /** What failed. */
  error(message: string): void;
}

/** Writes to the console's error stream, so that a program's output stays its own. */
export function consoleLogger(level: LogLevel = 'warn'): Logger {
  const write = (at: Exclude<LogLevel, 'silent'>) => (message: string) => {
    if (logLevels.indexOf(at) < logLevels.indexOf(level)) return;
    if (at === 'error') console.error(`[rxtinker ${at}] ${message}`);
    else console.warn(`[rxtinker ${at}] ${message}`);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** Logs nothing. */
export const silentLogger: Logger = consoleLogger('silent');
