// R4: no number loses digits. JSON.parse reads numbers as doubles, which hold 15 digits of anything and every integer up to
// 2^53. Pages without longer numbers pay for one look at every 16th byte and a search for an exponent of three digits; the others are
// rewritten before they are parsed.
//
// What a number becomes:
//   an integer as written (digits only) that is no safe integer    bigint
//   a number whose double prints another value than was written   LongDecimal, with its text
//   all others                                                     number (1.10 is 1.1, 1e3 is 1000, -0 is -0)
import { LongDecimal, type Value } from '../../ports/json.ts'

/** A double prints at most this many digits, and holds any decimal with one less. */
const runLength = 16
/** Longer integers stay text: reading them as bigint takes more than linear time. */
const maxBigIntDigits = 1000

function isDigitOrDot(byte: number): boolean {
  return byte > 45 && byte < 58 && byte !== 47
}

/**
 * True where the bytes (in any charset that extends ASCII) hold a run of 16 or more digits and dots, in a string or out of it:
 * a number that loses digits has one. A run of 16 covers a multiple of 16, and with it a byte 7 before or 8 behind.
 */
export function mayHoldLongNumbers(bytes: Uint8Array): boolean {
  const end = bytes.length
  for (let at = runLength - 1; at < end; at += runLength) {
    const byte = bytes[at]!
    if (byte > 45 && byte < 58) {
      const before = bytes[at - 7]!
      const behind = at + 8 < end ? bytes[at + 8]! : 0
      if (((before > 45 && before < 58) || (behind > 45 && behind < 58)) && isLongRun(bytes, at)) return true
    }
  }
  return false
}

function isLongRun(bytes: Uint8Array, at: number): boolean {
  let start = at
  let end = at
  while (start >= 0 && isDigitOrDot(bytes[start]!)) start--
  while (end < bytes.length && isDigitOrDot(bytes[end]!)) end++
  return end - start - 1 >= runLength
}

// Each character class narrows where the engine has to look: it passes over text at about ten times the speed of JSON.parse.
const longExponent = /[0-9][eE][+-]?[0-9]{3,}[,\]}\s]/
const outsizeNumber = /(?<=[[:,\s])-?[0-9][0-9.]*[eE][+-]?[0-9]{3,}(?=[,\]}\s])/g

/**
 * True where the text holds a number with an exponent of three digits or more that a double doesn't hold as it is written: of the
 * numbers shorter than a long run, these alone can be too large (1e400) or too small (1e-400). A UUID or a hash is none.
 */
export function mayHoldOutsizeNumbers(text: string): boolean {
  if (!longExponent.test(text)) {
    // A document that is nothing but a number has nothing behind it.
    const last = text.charCodeAt(text.length - 1)
    return last > 47 && last < 58
  }
  for (const [number] of text.matchAll(outsizeNumber)) if (longNumber(number) !== undefined) return true
  return false
}

/** `JSON.parse` that keeps long numbers whole. `bytes` are the text's own, in a charset that extends ASCII. */
export function parseJson(text: string, bytes: Uint8Array): Value {
  return mayHoldLongNumbers(bytes) || mayHoldOutsizeNumbers(text)
    ? parseKeepingLongNumbers(text)
    : (JSON.parse(text) as Value)
}

/**
 * Numbers that don't fit are rewritten as strings that begin with U+0001, parsed, and put back in a walk. A raw U+0001 is not
 * allowed in a JSON string, so only a string that begins with the escape `\u0001` could be mistaken for one: these are
 * rewritten in the same way, and come back as they were.
 */
export function parseKeepingLongNumbers(text: string): Value {
  const kept: (bigint | LongDecimal | string)[] = []
  const rewritten = rewrite(text, kept)
  if (kept.length === 0) return JSON.parse(text) as Value
  let value: Value
  try {
    value = JSON.parse(rewritten) as Value
  } catch {
    // Only for the error: its position then speaks of the text that was sent.
    return JSON.parse(text) as Value
  }
  return restore(value, kept)
}

const quote = 34
const backslash = 92
const colon = 58

function rewrite(text: string, kept: (bigint | LongDecimal | string)[]): string {
  const parts: string[] = []
  let copied = 0
  const end = text.length
  const replace = (start: number, stop: number, value: bigint | LongDecimal | string) => {
    parts.push(text.slice(copied, start), `"\\u0001${kept.length}"`)
    kept.push(value)
    copied = stop
  }
  let at = 0
  while (at < end) {
    const char = text.charCodeAt(at)
    if (char === quote) {
      const start = at
      at = endOfString(text, start)
      if (
        text.charCodeAt(start + 1) === backslash &&
        text.startsWith('\\u0001', start + 1) &&
        !isKey(text, at)
      ) {
        const value = parseString(text.slice(start, at))
        if (value !== undefined) replace(start, at, value)
      }
    } else if (char === 45 || (char > 47 && char < 58)) {
      const start = at++
      let exponent = false
      for (let next = text.charCodeAt(at); isNumberChar(next); next = text.charCodeAt(++at))
        // Of the characters of a number, only e and E have this bit.
        if ((next & 64) !== 0) exponent = true
      // Fifteen digits always fit.
      if (at - start < runLength && !exponent) continue
      const value = longNumber(text.slice(start, at))
      if (value !== undefined && !isKey(text, at)) replace(start, at, value)
    } else at++
  }
  parts.push(text.slice(copied))
  return parts.join('')
}

/** The offset behind a string's closing quote: the first quote with an even number of backslashes before it. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = text.indexOf('"', at)
    if (at < 0) return text.length
    let before = at - 1
    while (text.charCodeAt(before) === backslash) before--
    if ((at - before) % 2 === 1) return at + 1
  }
}

function isNumberChar(char: number): boolean {
  return (char > 47 && char < 58) || char === 46 || char === 101 || char === 69 || char === 43 || char === 45
}

function isKey(text: string, at: number): boolean {
  let next = at
  while (next < text.length && ' \t\n\r'.includes(text[next]!)) next++
  return text.charCodeAt(next) === colon
}

function parseString(token: string): string | undefined {
  try {
    return JSON.parse(token) as string
  } catch {
    return undefined
  }
}

const grammar = /^-?(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** The value of a number that a double can't hold as it is written; `undefined` where it can, or where it is no JSON number. */
export function longNumber(text: string): bigint | LongDecimal | undefined {
  if (text.length < runLength && !/[eE]/.test(text)) return undefined
  const match = grammar.exec(text)
  if (match === null) return undefined
  const number = Number(text)
  if (match[2] === undefined && match[3] === undefined) {
    if (Number.isSafeInteger(number)) return undefined
    return match[1]!.length <= maxBigIntDigits ? BigInt(text) : new LongDecimal(text)
  }
  return Number.isFinite(number) && canonical(text) === canonical(String(number))
    ? undefined
    : new LongDecimal(text)
}

/** One spelling for each value: its digits without outer zeros, and the exponent of the last one. */
function canonical(text: string): string {
  const match = grammar.exec(text)!
  const fraction = match[2] ?? ''
  const digits = match[1]! + fraction
  let start = 0
  let end = digits.length
  while (start < end && digits.charCodeAt(start) === 48) start++
  while (end > start && digits.charCodeAt(end - 1) === 48) end--
  if (start === end) return '0'
  const exponent = Number(match[3] ?? 0) - fraction.length + (digits.length - end)
  return `${text.startsWith('-') ? '-' : ''}${digits.slice(start, end)}e${exponent}`
}

function restore(root: Value, kept: readonly (bigint | LongDecimal | string)[]): Value {
  const held: { value: Value } = { value: root }
  // A stack of our own: JSON may nest deeper than calls can.
  const open: { [key: string]: Value }[] = [held]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (Array.isArray(node)) {
      const items = node as Value[]
      for (let index = 0; index < items.length; index++) {
        const item = items[index]!
        if (typeof item === 'string') {
          if (item.charCodeAt(0) === 1) items[index] = kept[Number(item.slice(1))]!
        } else if (typeof item === 'object' && item !== null) open.push(item as { [key: string]: Value })
      }
    } else {
      for (const key in node) {
        const item = node[key]!
        if (typeof item === 'string') {
          if (item.charCodeAt(0) === 1) node[key] = kept[Number(item.slice(1))]!
        } else if (typeof item === 'object' && item !== null) open.push(item as { [key: string]: Value })
      }
    }
  }
  return held.value
}
