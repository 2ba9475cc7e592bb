import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitingLine } from '../../operators/waitingLine.js';

const waiter = (name: number) => ({ name, begin: () => undefined });

describe('WaitingLine', () => {
  it('always gives who came first of those that are there, as a plain array would', () => {
    const step = fc.record({ act: fc.constantFrom('add', 'leave', 'take'), at: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const line = new WaitingLine<ReturnType<typeof waiter>>();
        const expected: ReturnType<typeof waiter>[] = [];
        steps.forEach(({ act, at }, name) => {
          if (act === 'add') {
            const added = waiter(name);
            line.add(added);
            expected.push(added);
          } else {
            const index = act === 'leave' ? at % Math.max(1, expected.length) : 0;
            const gone = act === 'leave' ? expected[index] : line.first();
            expect(gone).toBe(expected[index]);
            if (gone !== undefined) expect([line.delete(gone), line.delete(gone)]).toEqual([true, false]);
            expected.splice(index, 1);
          }
          expect(line.isEmpty()).toBe(expected.length === 0);
          expect(line.first()).toBe(expected[0]);
        });
      }),
    );
  });

  it('gives who left and came again the last place', () => {
    const line = new WaitingLine();
    const [first, second] = [waiter(1), waiter(2)];
    line.add(first);
    line.add(second);
    expect(line.first()).toBe(first);
    line.delete(first);
    line.add(first);
    expect(line.first()).toBe(second);
    line.delete(second);
    expect(line.first()).toBe(first);
  });
});
