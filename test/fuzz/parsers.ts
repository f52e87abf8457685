// The small parsers by themselves: each takes any text, or any JSON, and gives what it says that it gives.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { ConfigError, isSluiceError } from '../../src/errors.ts'
import { apiMessage, parseErrorBody } from '../../src/http/api-message.ts'
import { brokenBody } from '../../src/http/decode/bodies.arbitrary.ts'
import { charsetOf } from '../../src/http/decode/charset.ts'
import { errorBodyMessage } from '../../src/http/decode/error-body.ts'
import { formatOf } from '../../src/http/decode/format-options.ts'
import { parseJson } from '../../src/http/decode/long-numbers.ts'
import { responseOf, url } from '../../src/http/decode/scripted-response.ts'
import { parseHttpDate } from '../../src/http/http-date.ts'
import { createRedactor } from '../../src/http/redact.ts'
import { delayMs, retryAfterMs } from '../../src/http/retry-after.ts'
import { codesOf, diagnose } from '../../src/http/trouble.ts'
import { compileCondition, condition } from '../../src/options/condition.ts'
import { duration, formatDuration } from '../../src/options/duration.ts'
import { size } from '../../src/options/size.ts'
import { detectPagination } from '../../src/pagination/detect/detect-pagination.ts'
import { parseLinkHeader } from '../../src/pagination/link-header-parser.ts'
import { compilePath, parsePath } from '../../src/pagination/path.ts'
import { isObject, type JsonRecord, type Value } from '../../src/ports/json.ts'
import { readReports } from '../../src/quota/reported/read-reports.ts'
import { columnNamer } from '../../src/records/column-name.ts'
import { encodeJson } from '../../src/records/encode-json.ts'
import { fitsType, inferType } from '../../src/records/infer.ts'
import {
  compareInstants,
  formatInstant,
  msOfInstant,
  shiftInstant,
  toInstant,
} from '../../src/source/incremental/time-format.ts'
import { compileTimePattern } from '../../src/source/incremental/time-pattern.ts'
import { zoneOffset } from '../../src/source/incremental/time-zone.ts'
import { messageTemplate } from '../../src/source/reactions/message.ts'
import { PatternError } from '../../src/source/reactions/regular-expression.ts'
import { parsePattern } from '../../src/source/reactions/text-pattern.ts'
import { detectRecords } from '../../src/source/response/detect-records.ts'
import { compileQuery, queryProblem } from '../../src/source/response/json-path.ts'
import { responseReader } from '../../src/source/response/read-response.ts'
import { requestTemplate } from '../../src/template/request-template.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import type { Chance } from './chance.ts'
import { type FuzzKind, must } from './kind.ts'
import { leakIn, secretForms } from './leaks.ts'
import { mutateText, oddText, pieces } from './texts.ts'
import { anyJson, nested, scalar, times, words } from './values.ts'

type Parser = (chance: Chance) => unknown

const now = Date.parse('2026-01-31T00:00:00Z')
const numbers = [
  '0',
  '1',
  '5',
  '60',
  '3600',
  '1.5',
  '-1',
  '1700000000',
  '1700000000000',
  '99999999999999999999',
]
const dates = [
  'Wed, 21 Oct 2026 07:28:00 GMT',
  'Wednesday, 21-Oct-26 07:28:00 GMT',
  'Wed Oct 21 07:28:00 2026',
  'Wed Oct  1 07:28:00 2026',
  ...times,
]
const pathPieces = [
  ...words,
  '.',
  '.',
  '[0]',
  '[-1]',
  "['a.b']",
  '["x"]',
  '[',
  ']',
  '$',
  '$.',
  "'",
  '*',
  '..',
  '@',
]
const queryPieces = [
  ...pathPieces,
  '[*]',
  '[?',
  '@.id',
  ' > ',
  ' == ',
  "'x'",
  '1',
  ' && ',
  ' || ',
  '!',
  '(',
  ')',
  'search(@.name, ',
  "'(a+)+$'",
  'match(',
  'count(',
  'length(',
  'value(',
  '[1:5:2]',
  '[::-1]',
  ', ',
  '@',
  '..*',
]
const linkPieces = [
  '<',
  '>',
  '</v1?page=2>',
  '<https://a.test/x>',
  '; ',
  ';',
  ',',
  ', ',
  'rel',
  '=',
  '"',
  'next',
  '"prev next"',
  'rel="next"',
  'title="a, b\\"',
  '\\',
  ' ',
  '\t',
]
const patternPieces = [
  '%Y',
  '%m',
  '%d',
  '%H',
  '%I',
  '%p',
  '%M',
  '%S',
  '%f',
  '%z',
  '%:z',
  '%s',
  '%y',
  '%B',
  '%b',
  '%j',
  '%L',
  '%%',
  '%',
  '-',
  'T',
  ':',
  ' ',
  '.',
  '(',
  '[',
  '\\',
  '^',
  '$',
]
const templatePieces = [
  '{',
  '}',
  '{{',
  '}}',
  '{parent.id}',
  '{slice.from}',
  '{parent',
  '.id}',
  '{parent.a[0]}',
  '{parent..x}',
  '{parent.__proto__}',
  'items',
  '/',
  '?',
  '=',
  '&',
  '#',
  '%2F',
  '{a-}',
  "{parent['x']}",
]
const clock = fakeClock()

function jsonValue(chance: Chance): Value {
  if (chance.happens(0.003))
    return nested(chance.oneOf([500, 1500]), scalar(chance), chance.happens(0.5)) as Value
  return anyJson(chance, chance.oneOf([1, 3, 5]))
}

function record(chance: Chance): JsonRecord {
  const value = jsonValue(chance)
  return isObject(value) ? value : { id: 1, value }
}

const headerText = (chance: Chance, grammar: readonly string[]) =>
  chance.happens(0.5)
    ? mutateText(chance, chance.oneOf(grammar))
    : pieces(chance, [...grammar, ' ', ',', ';', '"', ':', '-'], 6)

const isWait = (ms: number | undefined) => ms === undefined || (Number.isFinite(ms) && ms >= 0)

const all: Readonly<Record<string, Parser>> = {
  link(chance) {
    const text = pieces(chance, linkPieces, 25)
    for (const { target, rels } of parseLinkHeader(
      chance.happens(0.8) ? text : [text, pieces(chance, linkPieces)],
    ))
      must(
        typeof target === 'string' && rels.every((rel) => rel !== ''),
        () => `a link without a target or relation in ${text}`,
      )
  },
  retryAfter(chance) {
    const text = headerText(chance, [...numbers, ...dates])
    const headers = { 'retry-after': text, ...(chance.happens(0.3) && { date: headerText(chance, dates) }) }
    const wait = retryAfterMs(headers, now)
    must(isWait(wait), () => `a wait of ${wait} for ${JSON.stringify(headers)}`)
    const delay = delayMs(text, chance.oneOf(['seconds', 'epoch']), now)
    must(isWait(delay), () => `a delay of ${delay} for ${JSON.stringify(text)}`)
  },
  httpDate(chance) {
    const text = headerText(chance, dates)
    const at = parseHttpDate(text, now)
    must(at === undefined || Number.isFinite(at), () => `the date ${at} for ${JSON.stringify(text)}`)
  },
  rateLimit(chance) {
    const headers = {
      [chance.oneOf(['ratelimit-remaining', 'x-ratelimit-remaining', 'x-rate-limit-remaining'])]: headerText(
        chance,
        numbers,
      ),
      [chance.oneOf(['ratelimit-reset', 'x-ratelimit-reset', 'x-ratelimit-reset-after'])]: headerText(
        chance,
        [...numbers, ...dates],
      ),
      ...(chance.happens(0.3) && {
        ratelimit: pieces(chance, ['"default"', ';', 'r=', 't=', '5', '9'.repeat(400), ',', ' ', '"', ':a:']),
      }),
    }
    for (const { remaining, reset } of readReports(headers, 'auto', now)) {
      const wait = reset === undefined ? undefined : 'at' in reset ? reset.at : reset.inMs
      must(
        Number.isFinite(remaining) && remaining >= 0 && isWait(wait),
        () => `${remaining}, ${wait} for ${JSON.stringify(headers)}`,
      )
    }
  },
  path(chance) {
    const text = pieces(chance, pathPieces, 8)
    const steps = parsePath(text)
    if (steps === undefined) return refused(() => compilePath(text))
    compilePath(text)(jsonValue(chance))
  },
  jsonPath(chance) {
    const text = pieces(chance, queryPieces, 9)
    if (queryProblem(text) !== undefined) return
    const found = compileQuery(text)(jsonValue(chance))
    must(
      'items' in found ? Array.isArray(found.items) : found.missing !== '',
      () => `a query without an answer: ${text}`,
    )
  },
  condition(chance) {
    const text = chance.happens(0.5)
      ? mutateText(
          chance,
          chance.oneOf([
            "@.status == 'open' && @.id > 1",
            "search(@.name, '^a(b|c)*$')",
            'count(@..*) > 2',
            '!@.error',
            'length(@.name) >= 3',
          ]),
        )
      : pieces(chance, queryPieces, 9)
    if (!condition.safeParse(text).success) return refused(() => compileCondition(text))
    const holds = compileCondition(text)(jsonValue(chance))
    must(typeof holds === 'boolean', () => `a condition that says ${String(holds)}: ${text}`)
  },
  timePattern(chance) {
    const text = pieces(chance, patternPieces, 9)
    const pattern = compileTimePattern(text)
    if ('problem' in pattern) return must(pattern.problem !== '', () => `no problem is named: ${text}`)
    const zone = chance.oneOf(['UTC', 'Europe/Berlin', 'America/St_Johns'])
    const written = pattern.format(
      chance.oneOf([
        '2026-01-31T09:30:00.123456Z',
        '2025-10-26T00:30:00Z',
        '1970-01-01T00:00:00Z',
        '9999-12-31T23:59:59Z',
      ]),
      zone,
    )
    pattern.parse(written, zoneOffset(zone))
    const read = pattern.parse(mutateText(chance, written), zoneOffset(zone))
    must(
      read === undefined || !Number.isNaN(msOfInstant(read)),
      () => `${JSON.stringify(text)} reads ${read}`,
    )
  },
  time(chance) {
    const value: Value = chance.happens(0.3) ? scalar(chance) : headerText(chance, [...times, ...numbers])
    const instant = toInstant(value)
    if (instant === undefined) return
    must(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(instant),
      () => `${String(value)} is taken for the instant ${instant}`,
    )
    must(
      !Number.isNaN(msOfInstant(instant)),
      () => `${String(value)} is taken for ${instant}, which is no time`,
    )
    must(compareInstants(instant, instant) === 0, () => `${instant} is not equal to itself`)
    must(toInstant(instant) === instant, () => `${instant} is read as ${String(toInstant(instant))}`)
    for (const format of ['iso', 'epoch', 'epoch_ms', 'epoch_us', 'date'] as const)
      formatInstant(instant, format)
    shiftInstant(instant, chance.oneOf([0, 1, -1, 86_400_000]))
  },
  duration(chance) {
    const text = pieces(chance, ['1', '30', '9', '.', '5', ' ', 'ms', 's', 'm', 'h', 'd', 'w', '-', '1e3'], 5)
    const read = duration.safeParse(text)
    if (!read.success) return
    must(Number.isFinite(read.data) && read.data >= 0, () => `${text.slice(0, 80)} lasts ${read.data}`)
    formatDuration(read.data)
  },
  size(chance) {
    const text = pieces(chance, ['1', '64', '9', '.', '5', ' ', 'B', 'KB', 'MiB', 'GB', '-'], 5)
    const read = size.safeParse(text)
    must(
      !read.success || (Number.isFinite(read.data) && read.data >= 0),
      () => `${text.slice(0, 80)} is ${String(read.data)} bytes`,
    )
  },
  template(chance) {
    const text = pieces(chance, templatePieces, 8)
    const request = {
      method: 'GET',
      url: text,
      query: { a: pieces(chance, templatePieces, 4) },
      headers: { b: pieces(chance, templatePieces, 4) },
      body: { c: [pieces(chance, templatePieces, 4)] },
    }
    ownErrors(() => {
      const { fill } = requestTemplate(request)
      const { url: filled } = fill({ parent: record(chance), slice: { from: times[0]!, to: scalar(chance) } })
      must(typeof filled === 'string', () => `${text} is filled with ${String(filled)}`)
    })
  },
  message(chance) {
    const text = pieces(chance, templatePieces, 8)
    ownErrors(() => messageTemplate(text)({ parent: record(chance), status: 404 }))
  },
  errorBody(chance) {
    const body = chance.happens(0.5)
      ? { [chance.oneOf(['error', 'errors', 'ok', 'message', 'status'])]: jsonValue(chance) }
      : jsonValue(chance)
    for (const said of [errorBodyMessage(body), apiMessage(body)])
      must(said === undefined || typeof said === 'string', () => `the message is ${String(said)}`)
    must(
      codesOf(body).every((code) => typeof code === 'string'),
      () => 'a code is no text',
    )
    const answer = {
      method: 'GET',
      url,
      status: chance.oneOf([200, 202, 400, 401, 403, 404, 422, 429, 503]),
      headers: { 'retry-after': headerText(chance, numbers) },
      body,
      text: () => '',
    }
    const trouble = diagnose(answer as never, now)
    must(isWait(trouble.retryAfterMs), () => `${JSON.stringify(trouble)} of ${JSON.stringify(body)}`)
  },
  errorText(chance) {
    parseErrorBody(chance.happens(0.5) ? mutateText(chance, encodeJson(jsonValue(chance))) : oddText(chance))
  },
  json(chance) {
    const value = jsonValue(chance)
    const text = encodeJson(value)
    const again = parseJson(text, Buffer.from(text))
    must(
      isDeepStrictEqual(encodeJson(again), text),
      () => `${text.slice(0, 200)} is read as ${encodeJson(again).slice(0, 200)}`,
    )
    const bad = mutateText(chance, text)
    let valid = true
    try {
      JSON.parse(bad)
    } catch {
      valid = false
    }
    try {
      parseJson(bad, Buffer.from(bad))
      must(valid, () => `no JSON was read: ${bad.slice(0, 200)}`)
    } catch (error) {
      must(error instanceof SyntaxError && !valid, () => `${String(error)}: ${bad.slice(0, 200)}`)
    }
  },
  charset(chance) {
    const text = pieces(chance, [
      'text/csv',
      ';',
      ' ',
      'charset',
      '=',
      '"',
      'utf-8',
      'utf-16',
      "'",
      'x-unknown',
      'UTF8',
    ])
    const charset = charsetOf(Buffer.from('{}'), { 'content-type': text })
    must(typeof charset === 'string', () => `the charset is ${String(charset)}`)
  },
  pattern(chance) {
    const text = pieces(chance, [
      '/',
      'a',
      '(',
      ')',
      '+',
      '*',
      '[',
      ']',
      '\\',
      '.',
      '|',
      'i',
      '^',
      '$',
      '{1,2}',
      '?',
    ])
    try {
      parsePattern(text)('aaaaaaaaaaaaaaaa')
    } catch (error) {
      must(error instanceof PatternError, () => `${String(error)}: ${text}`)
    }
  },
  column(chance) {
    const name = columnNamer([])
    const fields = [
      ...new Set(
        chance.list(1, 8, () =>
          chance.happens(0.5) ? oddText(chance) : mutateText(chance, chance.oneOf(words)),
        ),
      ),
    ]
    const columns = fields.map(name)
    must(
      new Set(columns.map((each) => each.toLowerCase())).size === fields.length,
      () => `${JSON.stringify(fields)} become ${JSON.stringify(columns)}`,
    )
  },
  infer(chance) {
    const value = chance.happens(0.5) ? jsonValue(chance) : headerText(chance, [...times, ...numbers])
    const type = inferType(value)
    must(
      type === null || fitsType(type, value),
      () => `${encodeJson(value)} does not fit its own type ${JSON.stringify(type)}`,
    )
  },
  detect(chance) {
    const body = jsonValue(chance)
    detectRecords(body)
    const headers = chance.happens(0.3) ? { link: pieces(chance, linkPieces) } : {}
    const { options } = detectPagination({ url, status: 200, headers, body, records: [record(chance)] })
    must(typeof options.type === 'string', () => 'no kind was found')
  },
  redact(chance) {
    const secret = `${chance.list(16, 20, () => chance.oneOf([...'abcdefXYZ234567'])).join('')}${chance.oneOf(['', '"', '\\', '+/=', ' ', '&=', '%41'])}z9Q`
    const forms = secretForms('SECRET', secret)
    const redactor = createRedactor([secret])
    const text = chance
      .list(1, 6, () => (chance.happens(0.4) ? travelling(chance, secret) : oddText(chance)))
      .join(chance.oneOf(['', ' ', '/', '?a=', '&']))
    const leak =
      leakIn(redactor.text(text), [forms]) ?? leakIn(redactor.url(`https://a.test/${text}`), [forms])
    must(leak === undefined, () => `the redactor leaves ${leak}`)
    const bare = redactor.withoutSecrets(`https://a.test/?${text}`)
    must(redactor.holdsSecret(bare) || leakIn(bare, [forms]) === undefined, () => `a position with ${bare}`)
  },
  async body(chance) {
    const [body] = fc.sample(brokenBody, { seed: chance.between(1, 2 ** 30), numRuns: 1 })
    const { format, headers, bytes, size: chunk, records } = body!
    const reader = responseReader({
      format: chance.happens(0.9) ? format : formatOf(chance.oneOf(['json', 'jsonl', 'csv', 'xml'])),
      records,
      optionalRecords: chance.happens(0.2),
      key: [],
      unwrap: undefined,
      limits: { maxBodySize: 1_000_000, maxPageSize: 1_000_000, maxLineSize: 100_000 },
      stream: 'api.items',
    })
    const parts = { begin() {}, async part() {} }
    try {
      await reader(responseOf(bytes, { headers, size: chunk }), url, parts, {
        method: 'GET',
        clock,
        react: undefined,
        about: undefined,
      })
    } catch (error) {
      must(
        isSluiceError(error) && error.message.includes(url),
        () => `${error instanceof Error ? error.stack : String(error)}`,
      )
    }
  },
}

/** A secret as it may come back, alone or in the Basic credential of a user. */
function travelling(chance: Chance, secret: string): string {
  const json = JSON.stringify(secret).slice(1, -1)
  const credential = Buffer.from(`${'user:'.slice(chance.between(0, 4))}${secret}`)
  return chance.oneOf([
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ a: secret }).toString().slice(2),
    json,
    JSON.stringify(json).slice(1, -1),
    credential.toString('base64'),
    credential.toString('base64url'),
  ])
}

/** A parser of plain options refuses with a ConfigError, and with no other. */
function refused(compile: () => unknown): void {
  let problem: unknown
  try {
    compile()
  } catch (error) {
    problem = error
  }
  must(
    problem instanceof ConfigError && problem.message !== '',
    () => `it was refused with ${String(problem)}`,
  )
}

function ownErrors(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    if (!isSluiceError(error)) throw error
    must(error.message !== '', () => `${error.code} without a message`)
  }
}

const names = Object.keys(all)
/** Bodies take most of the time: one case in fifty is one. */
const light = names.filter((name) => name !== 'body')

export const parsers: FuzzKind = {
  name: 'parsers',
  share: 959,
  async run(chance, show) {
    const name = chance.happens(0.02) ? 'body' : chance.oneOf(light)
    show('parser', name)
    await all[name]!(chance)
    return name
  },
}
