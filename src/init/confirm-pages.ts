// How a list goes on, found on its first page and confirmed by asking for the second: it must hold other records.
import { isSluiceError } from '../errors.ts'
import type { Client } from '../http/client.ts'
import { type Detection, detectPagination } from '../pagination/detect/detect-pagination.ts'
import { fullPages, pageParams, plain } from '../pagination/detect/names.ts'
import { createPaginator, type PaginatorOptions } from '../pagination/options.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { fingerprint } from './detect-key.ts'
import { fetchSample } from './fetch-sample.ts'
import { type ReadSample, readSample } from './read-sample.ts'

export interface Paging {
  readonly options: PaginatorOptions
  readonly notes: readonly string[]
  /** The records of the second page; none where it was not asked for. */
  readonly second: readonly JsonRecord[]
  /** Whether the second page was there and held other records. */
  readonly confirmed: boolean
}

export interface ConfirmContext {
  readonly client: Client
  readonly request: RequestSpec
  readonly signal?: AbortSignal
}

/** What APIs call the parameter that takes a page's token. */
const cursorParams: readonly string[] =
  `cursor after next page_token pageToken next_token nextToken pagination_token next_cursor
  starting_after start_cursor page[after] page[cursor] continuation marker scroll_id offset token page`.split(
    /\s+/,
  )

/** What becomes of one way to go on. */
type Outcome =
  | { readonly is: 'confirmed'; readonly second: readonly JsonRecord[] }
  | { readonly is: 'end' | 'same' | 'empty' }
  | { readonly is: 'failed'; readonly why: string }

/** Finds out how the list goes on. Never throws for what the API says of a second page. */
export async function confirmPages(first: ReadSample, context: ConfirmContext): Promise<Paging> {
  const lines = first.shape.format === 'csv' || first.shape.format === 'jsonl'
  const detection = detectPagination(first.view)
  const { options, place, says, doubt } = detection
  // Of rows and lines nothing is known when their body has been read, but what the headers say.
  if (lines && options.type !== 'link-header')
    return found({ type: 'none' }, [
      'one answer is taken for the whole list: nothing in its headers says that there is more',
    ])
  const notes: string[] = []
  if (options.type !== 'none') {
    const where = place === undefined ? options.type : `${options.type} at ${place}`
    const outcome = await tryOptions(first, options, context)
    switch (outcome.is) {
      case 'confirmed':
        return found(
          options,
          [
            `pagination: ${where}; the second page was asked for, and holds ${outcome.second.length} other records`,
          ],
          outcome.second,
        )
      case 'end':
        return found(options, [
          `pagination: ${where}; the first page is the last, so that no second one could confirm it`,
          ...(doubt === undefined ? [] : [doubt]),
        ])
      case 'empty':
        return found(options, [
          `CHECK pagination: ${where}; the second page is empty: compare how it is asked for with the API's documentation${because(doubt)}`,
        ])
      case 'same':
        notes.push(`${where} was found, but the second page that was asked by it holds the same records`)
        break
      case 'failed':
        // A link to elsewhere, or a parameter of another name.
        if (options.type === 'next-url' || options.type === 'link-header')
          return found(options, [
            `CHECK pagination: ${where}; the second page could not be had: ${outcome.why}${because(doubt)}`,
          ])
        notes.push(
          `${where} was found, but the second page that was asked by it could not be had: ${outcome.why}`,
        )
    }
  }
  if (options.type === 'cursor') {
    for (const param of cursorParams.filter((each) => each !== options.param)) {
      const named = { ...options, param }
      const outcome = await tryOptions(first, named, context)
      if (outcome.is === 'confirmed')
        return found(
          named,
          [
            `pagination: cursor at ${place}; its parameter is not named by the answer: ${param} was tried, and gave ${outcome.second.length} other records. Compare it with the API's documentation`,
          ],
          outcome.second,
        )
    }
  }
  const count = first.view.records.length
  const isOpen = options.type !== 'none' || says === 'more' || (says === 'nothing' && fullPages.has(count))
  if (isOpen) {
    for (const guess of guesses(first, detection)) {
      const outcome = await tryOptions(first, guess, context)
      if (outcome.is === 'confirmed')
        return found(
          guess,
          [
            ...notes,
            `pagination: nothing in the answer names it; ${describeGuess(guess)} was tried, and gave ${outcome.second.length} other records. Compare it with the API's documentation`,
          ],
          outcome.second,
        )
    }
    // A run with the wrong parameter gets the first page again, and stops; without a paginator it would end as if all were there.
    if (options.type === 'cursor')
      return found(options, [
        ...notes,
        `CHECK pagination: ${place} holds what leads to the next page, and the parameter that takes it is not known: write its name into \`param\``,
      ])
    // A list of an odd length that ignores page numbers is most likely whole.
    const isLikelyWhole = options.type === 'none' && says === 'nothing' && !usualPages.has(count)
    notes.push(
      `${isLikelyWhole ? '' : 'CHECK '}pagination: ${doubt ?? `the answer has ${count} records, as if the page were full`}; the usual parameters were tried, and gave no second page. Read in the API's documentation how a list goes on, and say it here`,
    )
    return found({ type: 'none' }, notes)
  }
  if (says === 'end')
    return found({ type: 'none' }, [
      'the answer says that it is the whole list. If it can grow beyond a page, say here how it goes on',
    ])
  return found({ type: 'none' }, [
    "nothing in the answer says that there are more pages: one answer is taken for the whole list. Check the API's documentation if the list can grow",
  ])

  function found(
    options: PaginatorOptions,
    notes: readonly string[],
    second: readonly JsonRecord[] = [],
  ): Paging {
    return { options, notes, second, confirmed: second.length > 0 }
  }
}

function because(doubt: string | undefined): string {
  return doubt === undefined ? '' : `; ${doubt}`
}

/** Lengths of a page that many APIs have where nobody asks for another. */
const usualPages: ReadonlySet<number> = new Set([10, 20, 25, 30, 50, 100, 200, 250, 500, 1000])

async function tryOptions(
  first: ReadSample,
  options: PaginatorOptions,
  context: ConfirmContext,
): Promise<Outcome> {
  const { client, request, signal } = context
  try {
    const paginator = createPaginator(options)
    const position = paginator.next(first.view, undefined)
    if (position === undefined) return { is: 'end' }
    const sample = await fetchSample(client, paginator.request(request, position), signal)
    const second = await readSample(sample, first.shape)
    if (second.records.length === 0) return { is: 'empty' }
    const known = new Set(first.records.map(fingerprint))
    const others = second.records.filter((record) => !known.has(fingerprint(record)))
    // A list may shift by a record or two while it is read.
    if (others.length * 2 < second.records.length) return { is: 'same' }
    return { is: 'confirmed', second: others }
  } catch (error) {
    if (signal?.aborted || !isSluiceError(error)) throw error
    return { is: 'failed', why: error.message }
  }
}

/** Ways to go on that many APIs have and no answer names, the likeliest first. A flag says whether there is more, where one was found. */
function* guesses(
  first: ReadSample,
  { options, more = flagOf(options) }: Detection,
): Iterable<PaginatorOptions> {
  const asked = [...new URL(first.view.url).searchParams.keys()]
  const flag = more === undefined ? {} : { more }
  const last = first.records.at(-1)
  const numbered = asked.find((name) => pageParams.has(plain(name))) ?? 'page'
  if (more !== undefined && last !== undefined && Object.hasOwn(last, 'id')) {
    for (const param of ['starting_after', 'after', 'after_id', 'since_id'])
      yield { type: 'keyset', param, ...flag }
  }
  // Page 1 of a list that counts from zero is its second.
  yield { type: 'page-number', param: numbered, first: 0, ...flag }
  yield { type: 'page-number', param: numbered, ...flag }
  for (const param of ['offset', 'skip']) yield { type: 'offset', param, ...flag }
}

function flagOf(options: PaginatorOptions): string | undefined {
  return 'more' in options && typeof options.more === 'string' ? options.more : undefined
}

function describeGuess(options: PaginatorOptions): string {
  const param = 'param' in options && typeof options.param === 'string' ? options.param : ''
  switch (options.type) {
    case 'keyset':
      return `\`${param}\` with the id of the last record`
    case 'page-number':
      return `\`${param}\` with the number of a page, counted from ${options.first ?? 1}`
    default:
      return `\`${param}\` with the number of records before the page`
  }
}
