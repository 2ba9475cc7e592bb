import { afterEach, describe, expect, it, vi } from 'vitest';
import { askForExactProducts } from '../../../src/local/engine/exactProducts.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('askForExactProducts', () => {
  it('asks where CUDA computes, and leaves what is set', () => {
    vi.stubEnv('NVIDIA_TF32_OVERRIDE', undefined);
    for (const device of [undefined, 'cpu', 'webgpu'] as const) askForExactProducts(device);
    expect(process.env.NVIDIA_TF32_OVERRIDE).toBeUndefined();
    askForExactProducts('cuda');
    expect(process.env.NVIDIA_TF32_OVERRIDE).toBe('0');
    vi.stubEnv('NVIDIA_TF32_OVERRIDE', '1');
    askForExactProducts('cuda');
    expect(process.env.NVIDIA_TF32_OVERRIDE).toBe('1');
  });
});
