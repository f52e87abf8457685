import type { Answer, React, Ruling } from '../../http/answer.ts'
import { firstHeader } from '../../http/headers.ts'
import { serverNow } from '../../http/http-date.ts'
import { boundedDelay, delayMs } from '../../http/retry-after.ts'
import { compileCondition } from '../../options/condition.ts'
import { compilePath } from '../../pagination/path.ts'
import { scalarText } from '../../pagination/response-value.ts'
import type { Clock } from '../../ports/runtime.ts'
import type { TemplateValues } from '../../template/request-template.ts'
import { messageTemplate } from './message.ts'
import { type ReactionSettings, rangeOf } from './reaction-options.ts'
import { parsePattern } from './text-pattern.ts'

/** What the config says of responses, compiled once. */
export interface Reactions {
  /** Judges the responses of one request. `values`: what the request's placeholders stand for. */
  forRequest(values: TemplateValues): React
}

/** `undefined` where nothing is declared. The first entry that matches holds. */
export function compileReactions(entries: readonly ReactionSettings[], clock: Clock): Reactions | undefined {
  if (entries.length === 0) return undefined
  const compiled = entries.map((entry) => compileEntry(entry, clock))
  return {
    forRequest(values) {
      // How many responses of its kind this request has had: "retry three times, then skip".
      const seen = new Map<CompiledEntry, number>()
      return (answer) => {
        const entry = compiled.find(({ matches }) => matches(answer))
        if (entry === undefined) return undefined
        const count = (seen.get(entry) ?? 0) + 1
        seen.set(entry, count)
        return entry.rule(answer, values, count)
      }
    },
  }
}

interface CompiledEntry {
  matches(answer: Answer): boolean
  /** `count`: the responses of this kind that the request has had, this one included. */
  rule(answer: Answer, values: TemplateValues, count: number): Ruling
}

function compileEntry(entry: ReactionSettings, clock: Clock): CompiledEntry {
  const tests: ((answer: Answer) => boolean)[] = []
  if (entry.status !== undefined) {
    const ranges = [entry.status]
      .flat()
      .map((status) => (typeof status === 'number' ? ([status, status] as const) : rangeOf(status)!))
    tests.push(({ status }) => ranges.some(([from, to]) => status >= from && status <= to))
  }
  for (const [name, text] of Object.entries(entry.header ?? {})) {
    const pattern = parsePattern(text)
    tests.push(({ headers }) => {
      const value = firstHeader(headers, name)
      return value !== undefined && pattern(value) !== undefined
    })
  }
  if (entry.body !== undefined) {
    const condition = compileCondition(entry.body)
    tests.push(({ body }) => body !== undefined && condition(body))
  }
  const { text } = entry
  if (text !== undefined) tests.push((answer) => answer.text().includes(text))
  const message = entry.message === undefined ? undefined : messageTemplate(entry.message)
  const readWait = waitReader(entry.retryAfter, clock)
  const { action, attempts, finally: last } = entry

  return {
    matches: (answer) => tests.every((test) => test(answer)),
    rule(answer, values, count) {
      const { status, url, body } = answer
      const wait = readWait(answer)
      return {
        action: attempts !== undefined && count >= attempts ? (last ?? 'fail') : action,
        ...(message && { message: message({ ...values, status, url, ...(body !== undefined && { body }) }) }),
        ...(wait !== undefined && { retryAfterMs: wait }),
        ...(last !== undefined && { finally: last }),
      }
    },
  }
}

function waitReader(
  place: ReactionSettings['retryAfter'],
  clock: Clock,
): (answer: Answer) => number | undefined {
  if (place === undefined) return () => undefined
  if (typeof place === 'number') return () => place
  const { header, unit } = place
  const readBody = place.body === undefined ? undefined : compilePath(place.body)
  const find = place.match === undefined ? (text: string) => text : parsePattern(place.match)
  return ({ headers, body }) => {
    const given = header === undefined ? scalarText(readBody!(body)) : firstHeader(headers, header)
    const text = given === undefined ? undefined : find(given)?.trim()
    if (text === undefined) return undefined
    if (unit === 'ms') return /^\d+(\.\d+)?$/.test(text) ? boundedDelay(Math.ceil(Number(text))) : undefined
    return delayMs(text, unit === 'epoch' ? 'epoch' : 'seconds', serverNow(headers, clock.now()))
  }
}
