import type { Device } from './runtime.js';

/**
 * Asks NVIDIA's libraries for float32 products: else they round the factors to 10 bits (TF32), and logprobs are off by a
 * hundredth. They look into the environment, for a worker into that of the process, once they are loaded; what is set
 * there stays.
 */
export function askForExactProducts(device: Device | undefined): void {
  if (device === 'cuda') process.env.NVIDIA_TF32_OVERRIDE ??= '0';
}
