// From a response to the records of a page: by its format, and by where the records are in it.
import { ConfigError } from '../../errors.ts'
import type { Answer } from '../../http/answer.ts'
import { readCsv } from '../../http/decode/csv.ts'
import { errorBodyMessage } from '../../http/decode/error-body.ts'
import { BodyUnreadableError } from '../../http/decode/errors.ts'
import { isStreamed, type ResponseFormat } from '../../http/decode/format-options.ts'
import { readJson } from '../../http/decode/json.ts'
import { readJsonItems } from '../../http/decode/json-items.ts'
import { readJsonLines } from '../../http/decode/json-lines.ts'
import type { BodyLimits } from '../../http/decode/limits.ts'
import { readXml, xmlText } from '../../http/decode/xml.ts'
import type { PageView } from '../../pagination/paginator.ts'
import { compilePath } from '../../pagination/path.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'
import type { HttpResponse } from '../../ports/runtime.ts'
import {
  type EarlyEnd,
  type JudgeContext,
  judgeErrorBody,
  judgeSuccess,
  refuseAccepted,
} from '../reactions/judge-success.ts'
import type { Reject } from './record-shape.ts'
import type { RecordsAs } from './records-options.ts'
import { refuseGraphqlErrors } from './refuse-graphql-errors.ts'
import {
  ApiErrorBodyError,
  asRecords,
  compileSelector,
  type Selected,
  selectRecords,
  unwrapRecord,
} from './select.ts'
import { selectConnection } from './select-connection.ts'
import type { Sides } from './sides.ts'

/** A page as it came. */
export interface FetchedPage {
  readonly view: PageView
  /** The records that were not handed on as parts, after `unwrap`. */
  readonly records: readonly JsonRecord[]
  /** Size of those records as they were sent, decompressed, in bytes. */
  readonly bytes: number
  /** The body, to tell a page that repeats (R1). Absent where it was streamed. */
  readonly body?: Buffer
  /** Rows of the stream's side tables, by table. */
  readonly sides?: ReadonlyMap<string, readonly JsonRecord[]>
  /** What can't become a record. */
  readonly rejects?: readonly Reject[]
  /** The slice ends here, before its list has, since the config says so of what was answered. */
  readonly end?: EarlyEnd
}

/** Takes the parts of a streamed body. */
export interface PartSink {
  /** The body is read from its start: at first, and again after it broke off. */
  begin(): void
  /** Resolves when there is room for the next part. */
  part(records: readonly JsonRecord[], bytes: number, rejects?: readonly Reject[]): Promise<void>
}

export interface ResponseOptions {
  readonly format: ResponseFormat
  /** Path of the records in a body, plain or as JSONPath; '' is the body itself, and so is it where nothing is declared. */
  readonly records: string | undefined
  readonly optionalRecords: boolean
  readonly recordsAs?: RecordsAs | undefined
  /** Values of the body that go into each record: field and path. */
  readonly include?: Readonly<Record<string, string>> | undefined
  readonly sides?: Sides | undefined
  /** The fields of a record's key; a line that has none of them may be an error body (R2). */
  readonly key: readonly string[]
  readonly unwrap: string | undefined
  /** A GraphQL connection whose nodes are the records, by its path below `data`, in place of `records`. */
  readonly connection?: string | undefined
  /** What to do with data beside errors, where the replies are GraphQL's. */
  readonly graphql?: { readonly partial: 'fail' | 'keep' } | undefined
  readonly limits: BodyLimits
  /** For messages: `desk.tickets`. */
  readonly stream: string
}

/** What decides whether a response is the success that its status says it is. */
export interface ResponseJudge extends JudgeContext {
  readonly method: string
  /** Sees a body before it is judged: an error, too, may say what it did cost. */
  readonly onBody?: (body: Value) => void
}

export type ResponseReader = (
  response: HttpResponse,
  url: string,
  parts: PartSink,
  judge: ResponseJudge,
) => Promise<FetchedPage>

/** Parts of a streamed body are about this large: a page of a common size. */
const partBytes = 1 << 20

/** How the responses of a stream are read. What depends on the options alone is compiled once. */
export function responseReader(options: ResponseOptions): ResponseReader {
  const { format, sides, unwrap, limits } = options
  const selector = compileSelector({
    path: options.records ?? '',
    optional: options.optionalRecords,
    as: options.recordsAs,
    ...(format.type === 'xml' && { valueField: xmlText, absentIsEmpty: true }),
  })
  const includeInto = includer(options.include, options.stream)
  const unwrapAll = (records: readonly JsonRecord[]) =>
    unwrap === undefined ? records : records.map((record) => unwrapRecord(record, unwrap))

  async function readDocument(
    response: HttpResponse,
    url: string,
    _parts: PartSink,
    judge: ResponseJudge,
  ): Promise<FetchedPage> {
    const { status, headers } = response
    const { value, bytes, byteLength } = await parse(response, url, options).catch((error: unknown) => {
      // What can't be read may still be what the config speaks of, and an answer that isn't ready yet may have no body.
      const excerpt = error instanceof BodyUnreadableError ? error.excerpt : ''
      const unread = answerOf(response, url, judge, undefined, () => excerpt)
      if (excerpt !== '' || status === 202) judgeSuccess(unread, judge)
      if (excerpt === '') refuseAccepted(unread, judge)
      throw error
    })
    judge.onBody?.(value)
    const answer = answerOf(response, url, judge, value, () => bytes.toString())
    judgeSuccess(answer, judge)
    if (options.graphql !== undefined) refuseGraphqlErrors(answer, options.graphql.partial, judge.clock.now())
    const { records, rejects } = selectJudged(value, answer, judge)
    // An object where nothing says that it is a record is what the API says of its work.
    const isUndeclared =
      options.records === undefined && options.connection === undefined && records[0] === value
    if (records.length === 0 || isUndeclared) refuseAccepted(answer, judge)
    const rows = sides?.select(value, { url, status })
    return {
      view: { url, status, headers, body: value, records },
      records: includeInto(unwrapAll(records), value),
      bytes: byteLength,
      body: bytes,
      ...(rows !== undefined && { sides: rows }),
      ...(rejects !== undefined && { rejects }),
    }
  }

  /** The records, where the body is no error that a repeat, a wait or a new token heals. */
  function selectJudged(value: Value, answer: Answer, judge: ResponseJudge): Selected {
    try {
      const { connection, optionalRecords: optional } = options
      if (connection !== undefined)
        return { records: selectConnection(value, { connection, optional }, answer.url) }
      return selectRecords(value, selector, answer)
    } catch (error) {
      if (error instanceof ApiErrorBodyError) throw judgeErrorBody(error, answer, judge)
      refuseAccepted(answer, judge)
      throw error
    }
  }

  async function readStream(
    response: HttpResponse,
    url: string,
    parts: PartSink,
    judge: ResponseJudge,
  ): Promise<FetchedPage> {
    // The body is not read for it: an export may be long.
    judgeSuccess(answerOf(response, url, judge, undefined), judge)
    parts.begin()
    let found = 0
    const common = { url, maxLineSize: limits.maxLineSize, batchBytes: partBytes }
    if (format.type === 'csv') {
      await readCsv(response, {
        ...common,
        format,
        key: options.key,
        onRecords: (records, bytes, rejects) => parts.part(records, bytes, rejects),
      })
    } else if (format.type === 'json') {
      const { rest } = await readJsonItems(response, {
        ...common,
        ...placeOf(format),
        path: selector.steps.map(String),
        onItems: (items, bytes) => {
          found += items.length
          return parts.part(unwrapAll(asRecords(items)), bytes)
        },
      })
      // An empty list, one object as one record, an error under a success (R2): as in a document that is read whole.
      const { records } =
        found > 0 ? { records: [] } : selectJudged(rest, answerOf(response, url, judge, rest), judge)
      if (found === 0) refuseAccepted(answerOf(response, url, judge, rest), judge)
      const page = emptyPage(response, url, rest)
      return { ...page, records: unwrapAll(records) }
    } else {
      let first = true
      await readJsonLines(response, {
        ...common,
        ...placeOf(format),
        onRecords: (records, bytes) => {
          const unwrapped = unwrapAll(records)
          if (first && records.length === 1) {
            const answer = answerOf(response, url, judge, records[0])
            judgeSuccess(answer, judge)
            if (!hasKey(unwrapped[0]!, options.key)) refuseAccepted(answer, judge)
            try {
              refuseErrorLine(records[0]!, unwrapped[0]!, options.key, url)
            } catch (error) {
              throw judgeErrorBody(error, answer, judge)
            }
          }
          first = false
          return parts.part(unwrapped, bytes)
        },
      })
    }
    return emptyPage(response, url, undefined)
  }

  const read = isStreamed(format) ? readStream : readDocument
  return async (response, url, parts, judge) => {
    if (response.status !== noContent) return read(response, url, parts, judge)
    judgeSuccess(answerOf(response, url, judge, undefined), judge)
    await response.discard()
    if (isStreamed(format)) parts.begin()
    return emptyPage(response, url, null)
  }
}

function answerOf(
  { status, headers }: HttpResponse,
  url: string,
  { method }: ResponseJudge,
  body: Answer['body'],
  text = () => '',
): Answer {
  return { method, url, status, headers, body, text }
}

/** 204 says that there is nothing, and comes without a body. */
const noContent = 204

function emptyPage({ status, headers }: HttpResponse, url: string, body: Value | undefined): FetchedPage {
  return { view: { url, status, headers, body, records: [] }, records: [], bytes: 0 }
}

function parse(response: HttpResponse, url: string, { format, limits }: ResponseOptions) {
  const options = { url, maxPageSize: limits.maxPageSize, ...placeOf(format) }
  return format.type === 'xml'
    ? readXml(response, { ...options, namespaces: format.namespaces })
    : readJson(response, options)
}

function placeOf({ encoding, entry }: ResponseFormat): { encoding?: string; entry?: string } {
  return { ...(encoding !== undefined && { encoding }), ...(entry !== undefined && { entry }) }
}

/** @throws ConfigError where a record has such a field of its own */
function includer(
  include: ResponseOptions['include'],
  stream: string,
): (records: readonly JsonRecord[], body: Value) => readonly JsonRecord[] {
  if (include === undefined) return (records) => records
  const readers = Object.entries(include).map(([field, path]) => ({ field, read: compilePath(path) }))
  return (records, body) => {
    const values = readers.flatMap(({ field, read }) => {
      const value = read(body)
      return value === undefined ? [] : [[field, value] as const]
    })
    const included: JsonRecord = Object.fromEntries(values)
    return records.map((record) => {
      for (const [field] of values) {
        if (!Object.hasOwn(record, field)) continue
        throw new ConfigError(
          `${stream}.include.${field}`,
          `a record has a field ${JSON.stringify(field)} of its own, which would be replaced: give the included one another name`,
        )
      }
      return { ...record, ...included }
    })
  }
}

/** R2: an export that is refused under status 200 is one line, and no record of the stream. */
function refuseErrorLine(line: JsonRecord, record: JsonRecord, key: readonly string[], url: string): void {
  if (hasKey(record, key)) return
  const message = errorBodyMessage(line)
  if (message !== undefined) throw new ApiErrorBodyError(url, 200, message)
}

function hasKey(record: JsonRecord, key: readonly string[]): boolean {
  return key.some((field) => Object.hasOwn(record, field))
}
