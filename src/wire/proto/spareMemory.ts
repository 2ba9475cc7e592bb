/** Below this a new piece of memory costs nothing that could be measured. */
const WORTH_KEEPING = 65_536;

/**
 * The memory of a body that was sent, for the next one: the system gives and takes memory of this size page by page,
 * which costs more than filling it. The garbage collector may have it while nobody uses it.
 */
export class SpareMemory {
  private spare: WeakRef<ArrayBuffer> | undefined;

  /** Memory of at least so many bytes, with whatever was written into it before. */
  take(size: number): Uint8Array<ArrayBuffer> {
    const memory = this.spare?.deref();
    this.spare = undefined;
    if (memory !== undefined && memory.byteLength >= size) return new Uint8Array(memory);
    // The next body may be a little larger; what is not written takes no memory of the system.
    return new Uint8Array(size < WORTH_KEEPING ? size : Math.ceil(1.25 * size));
  }

  /** Takes memory back that nobody reads any more. */
  give(memory: ArrayBuffer): void {
    if (memory.byteLength >= WORTH_KEEPING) this.spare = new WeakRef(memory);
  }
}
