/** How the tokens that a client wants scored are laid out; their scores go back likewise. */
export interface TargetLayout {
  readonly shape: readonly [number, number];
  /** Of a sparse tensor (CSR). */
  readonly sparse?: { readonly rows: readonly number[]; readonly columns: readonly number[] };
}
