import type { LoraLayout } from './loraLayout.js';
import { gradientName } from './model.js';
import { notFinite } from './notFinite.js';
import type { Tensors } from './runtime.js';

/** Adds the gradient that a pass gave to one laid out flat. @throws TinkerError `bad_request` where it is not finite */
export function addGradient(layout: LoraLayout, results: Tensors, gradient: Float32Array): void {
  for (const { name, offset } of layout.matrices) {
    const part = results[gradientName(name)]?.data ?? new Float32Array();
    for (let i = 0; i < part.length; i++) {
      const value = part[i] ?? 0;
      if (!Number.isFinite(value)) throw notFinite('the gradient', value);
      gradient[offset + i] = (gradient[offset + i] ?? 0) + value;
    }
  }
}
