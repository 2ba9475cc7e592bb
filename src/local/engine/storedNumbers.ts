/** Numbers as safetensors files hold them; half-precision ones are read as float32, which holds them exactly. */
export const storedNumbers = {
  F32: { bytes: 4, read: (buffer: ArrayBuffer) => new Float32Array(buffer) },
  I32: { bytes: 4, read: (buffer: ArrayBuffer) => new Int32Array(buffer) },
  F16: { bytes: 2, read: (buffer: ArrayBuffer) => widen(new Uint16Array(buffer), float16) },
  BF16: { bytes: 2, read: (buffer: ArrayBuffer) => widen(new Uint16Array(buffer), bfloat16) },
} as const;

/** A type of numbers that can be read. */
export type StoredType = keyof typeof storedNumbers;

/** Bits of float16 as numbers. */
export function float16ToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  return widen(halves, float16);
}

function widen(halves: Uint16Array, bits: (half: number) => number): Float32Array<ArrayBuffer> {
  const out = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) out[i] = bits(halves[i] ?? 0);
  return new Float32Array(out.buffer);
}

/** The upper half of a float32. */
function bfloat16(half: number): number {
  return half << 16;
}

/** IEEE 754 binary16 as the bits of a float32. */
function float16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal number is a normal one of float32: its highest bit becomes the hidden one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
