// Regular expressions in linear time. A config's expression is matched against what an API sends, and JavaScript's engine tries every way to
// match: `(a+)+b` takes it longer than the run against forty letters. Here all ways are followed side by side, a character at a time
// (Thompson 1968; with the captures of Pike's machine, as R. Cox describes it in "Regular Expression Matching: the Virtual Machine Approach").
// A match costs at most the length of the text times that of the expression, and it is the match that JavaScript would give.
//
// What can't be had in this way is refused: look-around, back-references, and a repetition of what may be empty. Single characters and
// classes are left to JavaScript's own engine, which has nothing to try with them, so that flags, `\w`, `[^…]` and `\p{…}` mean what they
// mean everywhere.

/** A text is no regular expression, or none that is matched here; the message says why, and what to write instead. */
export class PatternError extends Error {}

/** All that matched, and its first group where it took part. */
export interface Match {
  readonly all: string
  readonly group: string | undefined
}

/** Steps of a compiled expression: `{1000}` of something long would be as many copies of it. */
const mostSteps = 500

type Step =
  | { readonly kind: 'character'; readonly test: (character: string) => boolean }
  | { readonly kind: 'assert'; readonly test: (text: string, at: number) => boolean }
  /** Two ways on, the preferred one first. */
  | { readonly kind: 'fork'; first: number; second: number }
  | { readonly kind: 'jump'; to: number }
  /** The first group begins or ends here, or what it held in an earlier round of a repetition is forgotten. */
  | { readonly kind: 'group'; readonly edge: 'begin' | 'end' | 'forget' }
  | { readonly kind: 'end' }

/** A part of an expression: written into the steps as often as it is repeated. */
interface Part {
  readonly write: () => void
  readonly mayBeEmpty: boolean
  readonly hasGroup: boolean
}

/**
 * Compiles an expression, with flags out of `imsu`.
 * @throws PatternError
 */
export function matcher(source: string, flags: string): (text: string) => Match | undefined {
  if (!/^[imsu]*$/.test(flags)) throw new PatternError('its flags can be i, m, s and u')
  try {
    new RegExp(source, flags)
  } catch (error) {
    throw new PatternError((error as Error).message.replace(/^Invalid regular expression: (?:.*: )?/s, ''))
  }
  const steps = compile(source, flags)
  return (text) => run(steps, text, flags.includes('u'))
}

function compile(source: string, flags: string): readonly Step[] {
  const steps: Step[] = []
  const unicode = flags.includes('u')
  let at = 0
  let groups = 0

  function push<S extends Step>(step: S): S {
    if (steps.length === mostSteps) {
      throw new PatternError('its repetitions make it too long: ask for fewer of them')
    }
    steps.push(step)
    return step
  }
  function read(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at
    const found = pattern.exec(source)
    if (found !== null) at = pattern.lastIndex
    return found
  }

  function alternatives(): Part {
    const parts = [sequence()]
    while (source[at] === '|') {
      at++
      parts.push(sequence())
    }
    if (parts.length === 1) return parts[0]!
    const [last, ...others] = parts.reverse()
    return others.reduce(either, last!)
  }

  function either(second: Part, first: Part): Part {
    return {
      write() {
        const fork = push({ kind: 'fork', first: steps.length + 1, second: 0 })
        first.write()
        const jump = push({ kind: 'jump', to: 0 })
        fork.second = steps.length
        second.write()
        jump.to = steps.length
      },
      mayBeEmpty: first.mayBeEmpty || second.mayBeEmpty,
      hasGroup: first.hasGroup || second.hasGroup,
    }
  }

  function sequence(): Part {
    const parts: Part[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(repeated())
    return {
      write: () => {
        for (const part of parts) part.write()
      },
      mayBeEmpty: parts.every((part) => part.mayBeEmpty),
      hasGroup: parts.some((part) => part.hasGroup),
    }
  }

  function repeated(): Part {
    const begin = at
    const part = atom()
    const found = read(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\??)/y)
    if (found === null) return part
    if (part.mayBeEmpty) {
      throw new PatternError(
        `${JSON.stringify(source.slice(begin, at))} repeats what may be empty: write what is inside so that it is not, as in (a+)? in place of (a*)?`,
      )
    }
    const [, sign, least, comma, most, lazy] = found
    const min = sign === undefined ? Number(least) : sign === '+' ? 1 : 0
    const upTo = comma === undefined ? min : most === '' ? Number.POSITIVE_INFINITY : Number(most)
    const max = sign === undefined ? upTo : sign === '?' ? 1 : Number.POSITIVE_INFINITY
    return {
      write: () => repeat(part, min, max, lazy !== ''),
      mayBeEmpty: min === 0,
      hasGroup: part.hasGroup,
    }
  }

  function repeat(part: Part, min: number, max: number, lazy: boolean): void {
    const once = () => {
      if (part.hasGroup) push({ kind: 'group', edge: 'forget' })
      part.write()
    }
    for (let count = 0; count < min; count++) once()
    const forks: Extract<Step, { kind: 'fork' }>[] = []
    const fork = () => forks.push(push({ kind: 'fork', first: steps.length + 1, second: 0 }))
    if (max === Number.POSITIVE_INFINITY) {
      const loop = steps.length
      fork()
      once()
      push({ kind: 'jump', to: loop })
    } else {
      for (let count = min; count < max; count++) {
        fork()
        once()
      }
    }
    for (const one of forks) {
      one.second = steps.length
      if (lazy) [one.first, one.second] = [one.second, one.first]
    }
  }

  function atom(): Part {
    if (source[at] === '(') return group()
    if (read(/\\[1-9k]/y))
      throw new PatternError('a back-reference, as \\1, can not be matched in linear time')
    const assertion = read(/[\^$]|\\[bB]/y)
    if (assertion !== null) {
      const test = assertionOf(assertion[0], flags)
      return { write: () => push({ kind: 'assert', test }), mayBeEmpty: true, hasGroup: false }
    }
    const [text] = read(unicode ? unicodeCharacter : character)!
    const test = characterTest(text, flags)
    return { write: () => push({ kind: 'character', test }), mayBeEmpty: false, hasGroup: false }
  }

  function group(): Part {
    const opening = read(/\((?:\?(?:<[^=!>][^>]*>|[^<]|<.))?/y)![0]
    if (opening.startsWith('(?') && opening !== '(?:' && !opening.endsWith('>')) {
      throw new PatternError(
        `${opening}…) can not be matched in linear time: there are (…), (?:…) and (?<name>…)`,
      )
    }
    const isFirst = opening !== '(?:' && ++groups === 1
    const inner = alternatives()
    at++
    if (!isFirst) return inner
    return {
      write() {
        push({ kind: 'group', edge: 'begin' })
        inner.write()
        push({ kind: 'group', edge: 'end' })
      },
      mayBeEmpty: inner.mayBeEmpty,
      hasGroup: true,
    }
  }

  const whole = alternatives()
  whole.write()
  push({ kind: 'end' })
  return steps
}

/** A class, an escape, or a character. */
const character = /\[(?:\\.|[^\]\\])*\]|\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|c[A-Za-z]|.)|./sy
const unicodeCharacter =
  /\[(?:\\.|[^\]\\])*\]|\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|u\{[\da-fA-F]+\}|[pP]\{[^}]*\}|c[A-Za-z]|.)|./suy

function characterTest(text: string, flags: string): (character: string) => boolean {
  const isLiteral = !flags.includes('i') && !/^[\\[.]/.test(text)
  if (isLiteral) return (character) => character === text
  const expression = new RegExp(`^(?:${text})$`, flags.replace('m', ''))
  return (character) => expression.test(character)
}

function assertionOf(sign: string, flags: string): (text: string, at: number) => boolean {
  const lines = flags.includes('m')
  const isBreak = (char: string | undefined) => char !== undefined && /[\n\r\u2028\u2029]/.test(char)
  if (sign === '^') return (text, at) => at === 0 || (lines && isBreak(text[at - 1]))
  if (sign === '$') return (text, at) => at === text.length || (lines && isBreak(text[at]))
  const word = new RegExp('^\\w$', flags.replace('m', ''))
  const isWord = (char: string | undefined) => char !== undefined && word.test(char)
  return (text, at) => (isWord(text[at - 1]) !== isWord(text[at])) === (sign === '\\b')
}

/** One way to match, as far as it has come. */
interface Thread {
  readonly step: number
  readonly start: number
  readonly begin: number
  /** Where the group ended; -1: it did not take part. */
  readonly end: number
}

function run(steps: readonly Step[], text: string, unicode: boolean): Match | undefined {
  /** The place at which a step was reached last: who reaches it there later is less preferred, and goes the same way. */
  const reached = new Int32Array(steps.length).fill(-1)

  /** Follows a thread to the characters that it waits for. */
  function follow(threads: Thread[], thread: Thread, at: number): void {
    const { step, start, begin, end } = thread
    if (reached[step] === at) return
    reached[step] = at
    const one = steps[step]!
    switch (one.kind) {
      case 'jump':
        follow(threads, { ...thread, step: one.to }, at)
        break
      case 'fork':
        follow(threads, { ...thread, step: one.first }, at)
        follow(threads, { ...thread, step: one.second }, at)
        break
      case 'assert':
        if (one.test(text, at)) follow(threads, { ...thread, step: step + 1 }, at)
        break
      case 'group': {
        const next = {
          step: step + 1,
          start,
          begin: one.edge === 'begin' ? at : begin,
          end: one.edge === 'end' ? at : one.edge === 'forget' ? -1 : end,
        }
        follow(threads, next, at)
        break
      }
      default:
        threads.push(thread)
    }
  }

  let threads: Thread[] = []
  let best: { readonly thread: Thread; readonly stop: number } | undefined
  for (let at = 0; at <= text.length; ) {
    // The earliest start is preferred to all later ones.
    if (best === undefined) follow(threads, { step: 0, start: at, begin: -1, end: -1 }, at)
    if (best !== undefined && threads.length === 0) break
    const char = unicode && at < text.length ? String.fromCodePoint(text.codePointAt(at)!) : text[at]
    const next = at + (char?.length ?? 1)
    const after: Thread[] = []
    for (const thread of threads) {
      const step = steps[thread.step]!
      if (step.kind === 'end') {
        best = { thread, stop: at }
        break
      }
      if (char !== undefined && step.kind === 'character' && step.test(char)) {
        follow(after, { ...thread, step: thread.step + 1 }, next)
      }
    }
    threads = after
    at = next
  }
  if (best === undefined) return undefined
  const { start, begin, end } = best.thread
  return { all: text.slice(start, best.stop), group: end < 0 ? undefined : text.slice(begin, end) }
}
