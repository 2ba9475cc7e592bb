// What bundlers for browsers take instead of machineThreads.ts: package.json says so under "browser".

/** Threads share memory, which a page may only where it is isolated (the headers COOP and COEP). */
export function machineThreads(): number {
  const { crossOriginIsolated = false, navigator } = globalThis as {
    readonly crossOriginIsolated?: boolean;
    readonly navigator?: { readonly hardwareConcurrency?: number };
  };
  return crossOriginIsolated ? (navigator?.hardwareConcurrency ?? 1) : 1;
}
