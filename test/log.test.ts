import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { consoleLogger, logLevels, silentLogger } from '../src/log.js';

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
