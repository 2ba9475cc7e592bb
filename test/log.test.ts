import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Logger, consoleLogger, logLevels, silentLogger } from '../src/log.js';
import { Secrets } from '../src/transport/secrets.js';

describe('consoleLogger', () => {
  it.each(logLevels)('writes what is at least %s, all to the error stream', (level) => {
    const lines: unknown[] = [];
    for (const method of ['warn', 'error'] as const) {
      vi.spyOn(console, method).mockImplementation((line: unknown) => void lines.push(line));
    }
    onTestFinished(() => void vi.restoreAllMocks());
    const log = consoleLogger(level);
    const names = ['debug', 'info', 'warn', 'error'] as const;
    for (const name of names) log[name](name);
    expect(lines).toEqual(names.slice(logLevels.indexOf(level)).map((name) => `[rxtinker ${name}] ${name}`));
    silentLogger.error('nothing');
    expect(lines).toHaveLength(names.length - logLevels.indexOf(level));
  });
});

/** Calls as pino declares them: several forms, and methods that need their logger. */
interface LogFn {
  (object: object, message?: string, ...values: unknown[]): void;
  (message: string, ...values: unknown[]): void;
}

class Pino {
  readonly lines: string[] = [];
  readonly debug: LogFn = this.write.bind(this);
  readonly info: LogFn = this.write.bind(this);
  error: LogFn = this.write.bind(this);

  warn(this: Pino, ...message: unknown[]): void {
    this.write(...message);
  }

  private write(...message: unknown[]): void {
    this.lines.push(message.join(' '));
  }
}

describe('Logger', () => {
  it('takes the console and a logger like pino, and shows neither a secret', () => {
    const loggers: readonly Logger[] = [console, new Pino()];
    expect(loggers).toHaveLength(2);
    const pino = new Pino();
    const secrets = new Secrets();
    secrets.add('tml-secret');
    const log = secrets.logger(pino);
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](`${level} tml-secret`);
    expect(pino.lines).toEqual(['debug [secret]', 'info [secret]', 'warn [secret]', 'error [secret]']);
  });
});
