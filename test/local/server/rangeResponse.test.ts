import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangeResponse } from '../../../src/local/server/rangeResponse.js';

const file = Uint8Array.from({ length: 100 }, (_, at) => at);

describe('rangeResponse', () => {
  it('sends the whole file with its mark, and parts of it', () => {
    const whole = rangeResponse(file, {});
    expect(whole).toMatchObject({ status: 200, body: file });
    const etag = whole.headers.etag ?? '';
    expect(etag).toMatch(/^"[0-9a-f]{16}-100"$/);
    const part = rangeResponse(file, { range: 'bytes=90-', 'if-range': etag });
    expect(part).toMatchObject({ status: 206, headers: { 'content-range': 'bytes 90-99/100', etag } });
    expect([...part.body]).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
    expect([...rangeResponse(file, { range: 'bytes=3-4' }).body]).toEqual([3, 4]);
    expect([...rangeResponse(file, { range: 'bytes=-2' }).body]).toEqual([98, 99]);
    expect(rangeResponse(file, { range: 'bytes=100-' })).toMatchObject({
      status: 416,
      headers: { 'content-range': 'bytes */100' },
    });
  });

  it('sends the whole file where the mark is another or the range is none', () => {
    for (const headers of [
      { range: 'bytes=90-', 'if-range': '"another"' },
      { range: 'bytes=-' },
      { range: 'lines=1-2' },
      { range: 'bytes=1-2,4-5' },
    ]) {
      expect(rangeResponse(file, headers)).toMatchObject({ status: 200, body: file });
    }
  });

  it('never sends other bytes than those that it names', () => {
    fc.assert(
      fc.property(fc.option(fc.nat(120)), fc.option(fc.nat(120)), (first, last) => {
        const { status, headers, body } = rangeResponse(file, { range: `bytes=${first ?? ''}-${last ?? ''}` });
        const [, start, end] = /^bytes (\d+)-(\d+)\/100$/.exec(headers['content-range'] ?? '') ?? [];
        if (status === 206) expect(body).toEqual(file.subarray(Number(start), Number(end) + 1));
        else if (status === 416) expect(body).toHaveLength(0);
        else expect(body).toEqual(file);
      }),
    );
  });
});
