import { TestScheduler } from 'rxjs/testing';
import { expect, test } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import { getText, hubUrl } from '../../src/tokenizer/hub.js';
import { isHubName } from '../../src/tokenizer/names.js';

test('gives up at the deadline, under virtual time, and aborts', () => {
  const signals: AbortSignal[] = [];
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run(({ expectObservable }) => {
    const text = getText('http://hub', {
      token: undefined,
      timeoutMs: 7,
      scheduler,
      fetcher: (_, { signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    const late = new TinkerError('tokenizer_unavailable', 'no answer within 7 ms', { retryable: true });
    expectObservable(text, '--^').toBe('-- 7ms #', undefined, late);
  });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test('writes addresses', () => {
  expect(hubUrl('http://hub/', 'a/b', 'refs/pr/1', 'f.json')).toBe('http://hub/a/b/resolve/refs%2Fpr%2F1/f.json');
});

test('knows names from paths', () => {
  expect(['gpt2', 'a/b', 'Qwen/Qwen3-8B', 'refs/pr/1', 'v1.0', 'a..b'].filter((name) => !isHubName(name))).toEqual([]);
  expect(['', '..', 'a/..', './a', '/a', 'a/', 'a//b', 'a b', 'a\\b', 'a?b', 7].filter(isHubName)).toEqual([]);
});
