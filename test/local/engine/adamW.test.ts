import { describe, expect, it } from 'vitest';
import { adamWStep, createAdamWState } from '../../../src/local/engine/adamW.js';
import { adam } from './engineFixtures.js';

describe('adamWStep', () => {
  it('moves by the learning rate against the sign of the first gradient, whatever its size', () => {
    const values = Float32Array.of(1, 1, 1);
    const norm = adamWStep(values, Float32Array.of(3, -4e-4, 0), createAdamWState(3), { ...adam, learning_rate: 0.1 });
    // m̂ = g, v̂ = g², so the update is sign(g).
    expect(norm).toBeCloseTo(3, 6);
    expect(values[0]).toBeCloseTo(0.9, 6);
    expect(values[1]).toBeCloseTo(1.1, 6);
    expect(values[2]).toBe(1);
  });

  it('follows two steps worked out by hand', () => {
    const values = Float32Array.of(2);
    const state = createAdamWState(1);
    const parameters = { ...adam, learning_rate: 0.5, beta1: 0.5, beta2: 0.75, eps: 0.5, weight_decay: 0.1 };
    // Step 1, g = 2: m = 1, v = 1, m̂ = 1/0.5 = 2, v̂ = 1/0.25 = 4; 2·(1 − 0.05) − 0.5·2/(2 + 0.5) = 1.5.
    adamWStep(values, Float32Array.of(2), state, parameters);
    expect(values[0]).toBeCloseTo(1.5, 6);
    // Step 2, g = −1: m = 0, v = 0.75 + 0.25 = 1; the update is 0; 1.5·0.95 = 1.425.
    adamWStep(values, Float32Array.of(-1), state, parameters);
    expect(values[0]).toBeCloseTo(1.425, 6);
    // Step 3, g = 4: m = 2, v = 0.75 + 4 = 4.75, m̂ = 2/0.875, v̂ = 4.75/(1 − 27/64); 1.425·0.95 − 0.5·m̂/(√v̂ + 0.5).
    adamWStep(values, Float32Array.of(4), state, parameters);
    expect(values[0]).toBeCloseTo(1.425 * 0.95 - (0.5 * (2 / 0.875)) / (Math.sqrt(4.75 / (37 / 64)) + 0.5), 6);
    expect(state.step).toBe(3);
  });

  it('decays weights apart from the gradient', () => {
    const values = Float32Array.of(4);
    adamWStep(values, Float32Array.of(0), createAdamWState(1), { ...adam, learning_rate: 0.1, weight_decay: 0.5 });
    expect(values[0]).toBeCloseTo(4 * (1 - 0.05), 6);
  });

  it('clips the gradient to a global norm and reports the norm before', () => {
    const parameters = { ...adam, beta1: 0, beta2: 0, eps: 1, learning_rate: 1, grad_clip_norm: 1 };
    const clipped = Float32Array.of(0, 0);
    // g = (3, 4)/5, m̂ = g, √v̂ = |g|.
    expect(adamWStep(clipped, Float32Array.of(3, 4), createAdamWState(2), parameters)).toBeCloseTo(5, 6);
    expect(clipped[0]).toBeCloseTo(-0.6 / 1.6, 6);
    expect(clipped[1]).toBeCloseTo(-0.8 / 1.8, 6);
    const within = Float32Array.of(0);
    adamWStep(within, Float32Array.of(0.5), createAdamWState(1), parameters);
    expect(within[0]).toBeCloseTo(-0.5 / 1.5, 6);
  });
});
