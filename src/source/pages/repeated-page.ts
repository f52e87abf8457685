// R1 by what a page holds: an API that gives the same records again, as one does that knows no such parameter and answers every request
// with its first page, stops the stream. Records are compared, since a body may have a request's id or a time beside them; a page that
// differs does so in its first record as a rule, so that the comparison costs next to nothing.
import { PaginationLoopError } from '../../pagination/paginator.ts'
import type { Json, JsonRecord } from '../../ports/json.ts'
import type { FetchedPage } from './fetch-page.ts'
import { sameValue, sameValues } from './same-values.ts'

/**
 * Pages in a row that hold one record, or several that are all the same, and differ in the rest of their bodies: a list without a key
 * may well hold one record several times.
 */
const mostIndistinct = 10
/** Records that are kept of the first page. */
const mostKept = 16
/**
 * A list whose pages overlap gives a page again where as many records came in front of it as the page has that are new: that hardly
 * happens more than once in a row to a page of so many.
 */
const mostPushedBack = 2
const leastPushedBack = 10

/** Watches the pages of one reading of one list. It keeps the page before, and a few records of the first. */
export class RepetitionGuard {
  #previous: SeenPage | undefined
  #first: Sample | undefined
  #indistinct = 0
  #repeated = 0
  readonly #overlaps: boolean

  /** `overlaps`: whether a page begins with the last record of the one before, wherever that has moved to. */
  constructor(overlaps = false) {
    this.#overlaps = overlaps
  }

  /** @throws PaginationLoopError where the page holds the records of the page before it, or of the first one (R1) */
  take(page: FetchedPage, at?: Json): void {
    const { records } = page
    if (page.view.records.length === 0 || records.length === 0) {
      this.#previous = undefined
      return
    }
    this.#compare(page, at)
    this.#first ??= sampleOf(page)
    this.#previous = seen(page)
  }

  #compare(page: FetchedPage, at: Json | undefined): void {
    const previous = this.#previous
    if (previous !== undefined && holdsTheSame(page, previous)) {
      const from = previous.url
      const isSurely = previous.isDistinct || (page.body && previous.body?.equals(page.body))
      if (isSurely && this.#isPushedBack(page)) return
      if (isSurely) throw repetition(page, at, 'the one before it', from)
      if (++this.#indistinct > mostIndistinct)
        throw repetition(page, at, `the ${mostIndistinct} before it`, from)
      return
    }
    this.#indistinct = 0
    const first = this.#first
    if (!first?.isOf(page)) this.#repeated = 0
    else if (!this.#isPushedBack(page)) throw repetition(page, at, 'the first one', first.url)
  }

  /** Of a few records that come again and again whoever keeps the place in the list tells. */
  #isPushedBack({ records }: FetchedPage): boolean {
    return this.#overlaps && (records.length < leastPushedBack || ++this.#repeated <= mostPushedBack)
  }
}

/** What APIs send as the token after the last page. */
const endToken = /^(?:0|-1|null|none|nil|end|eof|false|undefined)$/i

function repetition(
  { view, records }: FetchedPage,
  at: Json | undefined,
  which: string,
  url: string,
): PaginationLoopError {
  const end =
    typeof at === 'string' && endToken.test(at)
      ? `. It was asked for with the token ${JSON.stringify(at)}: if the API means by it that the list has ended, write \`endValues: [${/^-?\d+$/.test(at) ? at : JSON.stringify(at)}]\` in \`paginate\``
      : ''
  const count = records.length === 1 ? 'the one record' : `the ${records.length} records`
  return new PaginationLoopError(
    view.url,
    `this page holds ${count} of ${which}, which came from ${url}. The API may not know the parameter that asks for the next page. If the list does hold them more than once, ask for larger pages, or let \`include\` put a value of the body into each record that tells the pages apart${end}`,
  )
}

/** What is kept of a page to know it again. */
interface SeenPage extends Pick<FetchedPage, 'records' | 'sides' | 'body'> {
  readonly url: string
  readonly isDistinct: boolean
}

function seen({ view, records, sides, body }: FetchedPage): SeenPage {
  const distinct = isDistinct(records)
  return {
    url: view.url,
    records,
    isDistinct: distinct,
    ...(sides && { sides }),
    // Of records that tell a page from others no more is needed.
    ...(body && !distinct && { body }),
  }
}

function holdsTheSame(page: FetchedPage, other: SeenPage): boolean {
  return sameValues(page.records, other.records) && hasSidesOf(page, other)
}

function hasSidesOf({ sides }: FetchedPage, { sides: others }: SeenPage): boolean {
  if (sides === undefined) return true
  for (const [table, rows] of sides) if (!sameValues(rows, others?.get(table) ?? [])) return false
  return true
}

/** Whether a list could hardly hold the same page twice: not one record alone, and not one that comes again and again. */
function isDistinct(records: readonly JsonRecord[]): boolean {
  return records.some((record) => !sameValue(record, records[0]!))
}

interface Sample {
  readonly url: string
  isOf(page: FetchedPage): boolean
}

/** Records from all over a page, by which it is known again. One whose side rows may be what is paged is never. */
function sampleOf({ records, view, sides }: FetchedPage): Sample {
  const { length } = records
  const kept = Math.min(length, mostKept)
  const places = Array.from({ length: kept }, (_, at) =>
    Math.floor((at * (length - 1)) / Math.max(1, kept - 1)),
  )
  const sample = places.map((place) => records[place]!)
  const canTell = sides === undefined && isDistinct(sample)
  return {
    url: view.url,
    isOf: (page) =>
      canTell &&
      page.records.length === length &&
      places.every((place, at) => sameValue(page.records[place]!, sample[at]!)),
  }
}
