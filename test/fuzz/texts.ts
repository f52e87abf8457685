// Texts that something may trip over.
import type { Chance } from './chance.ts'

const oddTexts = [
  '',
  ' ',
  '\0',
  '\n',
  '\r\n',
  '\u2028',
  '\ufeff',
  '\ud800',
  '\udc00x',
  '💧',
  'é',
  'ｅ',
  '%',
  '%zz',
  '%00',
  '%25',
  '..',
  '../..',
  '//',
  '\\',
  '"',
  "'",
  '`',
  '{',
  '}',
  '{}',
  '$' + '{env:X}',
  '$' + '{X}',
  '{parent.id}',
  '{cursor.value}',
  '[',
  ']',
  '(',
  '(a+)+$',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'then',
  'length',
  'null',
  'undefined',
  'NaN',
  'Infinity',
  '-Infinity',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1e400',
  '1e-400',
  '9007199254740993',
  '99999999999999999999999999999999',
  '0x10',
  '1_000',
  '+1',
  '$',
  '$.',
  '@',
  '*',
  '?',
  '#',
  '&',
  '=',
  ';',
  ',',
  ':',
  '|',
  '<',
  '>',
  '<!--',
]

export function oddText(chance: Chance): string {
  if (chance.happens(0.03)) return chance.oneOf(oddTexts).repeat(chance.between(1, 3000))
  return chance.oneOf(oddTexts)
}

/** A text made of a grammar's own pieces, now and then with an odd one among them, now and then of one piece many times. */
export function pieces(chance: Chance, grammar: readonly string[], most = 12): string {
  if (chance.happens(0.004)) {
    const piece = chance.oneOf(grammar)
    return piece.repeat(chance.between(100, 20_000 / Math.max(1, piece.length))) + chance.oneOf(grammar)
  }
  const odd = chance.happens(0.3) ? 0.15 : 0
  return chance.list(0, most, () => (chance.happens(odd) ? oddText(chance) : chance.oneOf(grammar))).join('')
}

/** The text with one thing done to it. */
export function mutateText(chance: Chance, text: string): string {
  const at = chance.between(0, text.length)
  switch (chance.between(0, 5)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(at)
    case 2:
      return text.slice(0, at) + oddText(chance) + text.slice(at)
    case 3:
      return text.slice(0, at) + text.slice(at + 1)
    case 4:
      return text + text
    default:
      return text.slice(0, at) + String.fromCharCode(chance.between(0, 0x2ff)) + text.slice(at + 1)
  }
}
