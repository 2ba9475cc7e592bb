/** Numbers as IEEE 754 binary16, rounded to the nearest, of two equally near ones to the even one. */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  return Uint16Array.from(bits, half);
}

function half(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // From 65520 on, the nearest is infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14 the numbers are multiples of 2^-24; below 2^-25, and at it, the nearest is 0.
  if (magnitude < 0x38800000) {
    const shift = 126 - (magnitude >>> 23);
    return shift > 24 ? sign : sign | rounded((magnitude & 0x7fffff) | 0x800000, shift);
  }
  return sign | rounded(magnitude - 0x38000000, 13);
}

/** value / 2^shift as an integer, ties to even. */
function rounded(value: number, shift: number): number {
  const whole = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return rest > middle || (rest === middle && (whole & 1) === 1) ? whole + 1 : whole;
}
