import { describe, expect, it } from 'vitest';
import { JobLane, oneSlice } from '../../../src/local/engine/jobLane.js';
import { SliceQueue } from '../../../src/local/engine/sliceQueue.js';

describe('SliceQueue and JobLane', () => {
  it('gives lanes their slices in turn and each lane its jobs in order', async () => {
    const order: string[] = [];
    const queue = new SliceQueue();
    const [a, b] = [new JobLane(), new JobLane()];
    async function* job(name: string, slices: number): AsyncGenerator<undefined, string> {
      for (let i = 0; i < slices; i++) {
        order.push(`${name}${String(i)}`);
        await Promise.resolve();
        yield;
      }
      return name;
    }
    const results = [a.add(job('long', 3)), a.add(job('next', 1)), b.add(job('other', 2))];
    queue.wake(a);
    queue.wake(b);
    expect(await Promise.all(results)).toEqual(['long', 'next', 'other']);
    expect(order).toEqual(['long0', 'other0', 'long1', 'other1', 'long2', 'next0']);
  });

  it('goes on after a job that fails, and after a pause', async () => {
    const queue = new SliceQueue();
    const lane = new JobLane();
    const failing = lane.add(
      oneSlice(() => {
        throw new RangeError('no');
      }),
    );
    const following = lane.add(oneSlice(() => 2));
    queue.wake(lane);
    await expect(failing).rejects.toThrow('no');
    expect(await following).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    const later = lane.add(oneSlice(() => 3));
    queue.wake(lane);
    expect(await later).toBe(3);
  });

  it('runs a job that is added while the lane has its last slice', async () => {
    const queue = new SliceQueue();
    const lane = new JobLane();
    let added: Promise<number> | undefined;
    const first = lane.add(
      oneSlice(() => {
        added = lane.add(oneSlice(() => 5));
        queue.wake(lane);
        return 4;
      }),
    );
    queue.wake(lane);
    expect(await first).toBe(4);
    expect(await added).toBe(5);
  });
});
