import type { Random } from '../../../../src/transport/random.js';

const nasty = [0x00, 0x7f, 0x80, 0xff, 0x1a, 0x22, 0x5b, 0x7b];

/** A body with a few bytes changed, cut, doubled, moved, or a length that promises gigabytes in their place. */
export function mutate(body: Uint8Array, random: Random): Uint8Array {
  let bytes = Array.from(body);
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let change = 1 + below(3); change > 0; change--) {
    const at = below(bytes.length + 1);
    const length = below(12);
    switch (below(7)) {
      case 0:
        bytes[at] = below(256);
        break;
      case 1:
        bytes[at] = nasty[below(nasty.length)] ?? 0;
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes.splice(at, length);
        break;
      case 4:
        bytes.splice(at, 0, ...bytes.slice(at, at + length));
        break;
      case 5:
        bytes.splice(at, 0, ...bytes.slice(below(bytes.length), below(bytes.length)));
        break;
      default:
        bytes.splice(at, 1, 0xff, 0xff, 0xff, 0xff, 0x07);
    }
  }
  return Uint8Array.from(bytes);
}
