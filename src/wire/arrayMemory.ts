/** Elements of the largest block: an array of more has memory of its own. */
const BLOCK = 16_384;

/**
 * Memory for many arrays that are used together: an allocation for all of them costs less than one for each. Its blocks
 * double in size, so that a few arrays take no more than twice what they need.
 */
export class ArrayMemory {
  private block = new ArrayBuffer();
  /** In bytes. */
  private used = 0;

  int32(length: number): Int32Array {
    const start = this.take(length);
    return new Int32Array(this.block, start, length);
  }

  float32(length: number): Float32Array {
    const start = this.take(length);
    return new Float32Array(this.block, start, length);
  }

  private take(length: number): number {
    const start = this.used;
    this.used += 4 * length;
    if (this.used <= this.block.byteLength) return start;
    // Elements of four bytes: twice as many as before.
    const elements = Math.max(length, Math.min(BLOCK, this.block.byteLength / 2));
    this.block = new ArrayBuffer(4 * elements);
    this.used = 4 * length;
    return 0;
  }
}
