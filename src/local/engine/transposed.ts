const block = 32;

/** A matrix [rows, columns] as [columns, rows], block by block so that large ones stay in the processor's caches. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(data.length);
  for (let top = 0; top < rows; top += block)
    for (let left = 0; left < columns; left += block)
      for (let row = top; row < Math.min(top + block, rows); row++)
        for (let column = left; column < Math.min(left + block, columns); column++)
          out[column * rows + row] = data[row * columns + column] ?? 0;
  return out;
}
