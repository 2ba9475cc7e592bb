/** A word as a shell takes it: in quotes where it has spaces or signs of the shell's own. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
