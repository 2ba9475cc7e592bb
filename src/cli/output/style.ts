import { styleText } from 'node:util';
import type { Output } from '../terminal.js';

/** Text in a style, where the output wants colours. */
export function style(output: Output, format: 'bold' | 'dim' | 'red' | 'green' | 'cyan', text: string): string {
  return output.isTTY === true && output.hasColors?.() === true ? styleText(format, text) : text;
}
