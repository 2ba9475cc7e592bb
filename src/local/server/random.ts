/** Where the server takes its ids and seeds from. */
export interface Random {
  /** 16 lower-case hexadecimal digits. */
  id(): string;
  /** An integer in [0, 2³¹). */
  seed(): number;
}
