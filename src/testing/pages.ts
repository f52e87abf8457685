// For tests of a paginator, the product's own or yours: pages without a network.

import type { PageView, Paginator } from '../pagination/paginator.ts'
import type { Json, JsonRecord, Value } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'

/** A page as a paginator sees it. Its records are `body.data`, or the body itself where it is an array. */
export function pageView(
  body: Value | undefined,
  options: { readonly url?: string; readonly status?: number; readonly headers?: PageView['headers'] } = {},
): PageView {
  const { url = 'https://api.example.com/items', status = 200, headers = {} } = options
  const data =
    typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as JsonRecord)['data'] : body
  return { url, status, headers, body, records: Array.isArray(data) ? (data as JsonRecord[]) : [] }
}

export interface ReadPage {
  /** Where the page was read, as it came back from storage: JSON, written and parsed. */
  readonly position: Json | undefined
  readonly request: RequestSpec
  readonly page: PageView
}

/**
 * Reads a list as a stream does: from `from` on, one page after the other, each position stored and taken up again.
 * @throws Error after `limit` pages: the paginator does not end
 */
export function readPages(
  paginator: Paginator,
  answer: (request: RequestSpec) => PageView,
  options: { readonly base?: RequestSpec; readonly from?: Json | undefined; readonly limit?: number } = {},
): ReadPage[] {
  const { base = listRequest, limit = 1000 } = options
  const read: ReadPage[] = []
  let position = options.from
  do {
    if (read.length === limit) throw new Error(`the paginator asks for more than ${limit} pages`)
    const request = paginator.request(base, position)
    const page = answer(request)
    read.push({ position, request, page })
    const next = paginator.next(page, position)
    position = next === undefined ? undefined : (JSON.parse(JSON.stringify(next)) as Json)
  } while (position !== undefined)
  return read
}

/** The request that a stream starts from. */
export const listRequest: RequestSpec = {
  method: 'GET',
  url: 'https://api.example.com/items',
  query: {},
  headers: {},
}
