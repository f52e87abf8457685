import { SluiceError } from '../errors.ts'
import type { Json, JsonRecord, Value } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { HttpHeaders } from '../ports/runtime.ts'
import type { ListWindows } from './list-windows.ts'

/** One decoded response, as a paginator sees it. */
export interface PageView {
  /** The URL that was asked, absolute: relative links resolve against it. */
  readonly url: string
  readonly status: number
  readonly headers: HttpHeaders
  /** The decoded body; `undefined` where it was streamed. */
  readonly body: Value | undefined
  /** The records that the selector found, before any filter. */
  readonly records: readonly JsonRecord[]
}

/** What is known of a response before its body has come. */
export type PageHead = Pick<PageView, 'url' | 'status' | 'headers'>

/**
 * Where a slice's pages come from. Pure: it holds no state and does no I/O, so one paginator serves any number of
 * slices at once, and a position can be stored and taken up by another process.
 */
export interface Paginator<P extends Json = Json> {
  /** The request of the page at `position`; of the first page without one. */
  request(base: RequestSpec, position: P | undefined): RequestSpec
  /**
   * The position of the page after `page`, which was read at `position`; `undefined` after the last page.
   * @throws PaginationLoopError where it would ask for the same page again (R1)
   * @throws PaginationStuckError where no request can make progress (R5)
   */
  next(page: PageView, position: P | undefined): P | undefined
  /**
   * Every position behind `page`, which was read at `position` (the first page without one), where they can be known: pages are then
   * read side by side. A reader compares each page's `next` with the position that follows here; where they differ, `next` holds.
   */
  all?(page: PageView, position?: P): Iterable<P> | undefined
  /**
   * How many records the list has, as `page` says. Of a page that was asked for before the one in front of it was read, a reader believes
   * only one that says the same: the list changed between the two otherwise, and a record may lie on neither.
   */
  total?(page: PageView): number | undefined
  /**
   * The position of the page behind the one that was read at `position`, where the head of its response tells it; the next page is then
   * asked for before the body has come. `next` of the whole page decides: a position that it does not confirm is dropped.
   */
  ahead?(head: PageHead, position: P | undefined): P | undefined
  /**
   * The position to keep at the end of a list that grows, from which the next run goes on (a sync cursor).
   * Only paginators whose API promises such a position have it.
   */
  resume?(page: PageView, position: P | undefined): P | undefined
  /** Of a list that is counted, how its pages are asked for so that they overlap. Default: they can't be made to. */
  readonly windows?: ListWindows
  /** What tells whether two positions ask for the same page. Default: the position itself. */
  place?(position: P): Json
}

/** R1: the API gave the same page, or a position that leads to the page just read. */
export class PaginationLoopError extends SluiceError {
  readonly code = 'PAGINATION_LOOP'
  readonly recovery = 'stop-stream'
  readonly url: string
  constructor(url: string, what: string) {
    super(
      `${url}: ${what}; reading on would never end. Check the paginator's options against the API's documentation`,
    )
    this.url = url
  }
}

/** R5: reading can't go on without skipping records. The message says which option to change. */
export class PaginationStuckError extends SluiceError {
  readonly code = 'PAGINATION_STUCK'
  readonly recovery = 'stop-stream'
  readonly url: string
  constructor(url: string, problem: string) {
    super(`${url}: ${problem}`)
    this.url = url
  }
}

/** R5: the list goes on beyond the depth to which its API lets it be read. */
export class PaginationDepthError extends PaginationStuckError {
  /** Pages and records that were read, the page that reached the depth included. */
  readonly pages: number
  readonly records: number
  constructor(url: string, bound: 'pages' | 'records', pages: number, records: number) {
    super(
      url,
      `the list goes on beyond \`depth.${bound}\`: ${pages} pages with ${records} records were read of it. Cut the stream into parts that are less deep, by \`slices\` or a filter, or set \`depth.beyond: end\` if what lies beyond is not needed`,
    )
    this.pages = pages
    this.records = records
  }
}

/** The response lacks what the paginator needs, or holds it in a form that it can't use. */
export class PaginationInvalidError extends SluiceError {
  readonly code = 'PAGINATION_INVALID'
  readonly recovery = 'stop-stream'
  readonly url: string
  constructor(url: string, problem: string) {
    super(`${url}: ${problem}`)
    this.url = url
  }
}
