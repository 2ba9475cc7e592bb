/**
 * Puts quotes around a seq_id that a number can't hold exactly: older clients that share a sampling session
 * count from a random multiple of 10⁹ up to 10¹⁸.
 */
export function quoteLongSeqId(json: string): string {
  return json.replace(/("seq_id"\s*:\s*)(\d{16,19})(?=\s*[,}])/g, '$1"$2"');
}
