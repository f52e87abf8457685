// What every paginator promises, as a check for the product's own and for yours.
import assert from 'node:assert/strict'
import { isDeepStrictEqual as isEqual } from 'node:util'
import type { PageView, Paginator } from '../pagination/paginator.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { listRequest, type ReadPage, readPages } from './pages.ts'

/**
 * Reads a list that nobody writes to, and checks that
 * - reading ends, and gives exactly `expected`, each record once, in order;
 * - from any position, stored as JSON and taken up again, exactly the rest is read;
 * - a page and a position always lead to the same next position: the paginator holds no state;
 * - what the head of a response tells of the next page (`ahead`) is what the whole page leads to;
 * - with `sideBySide`, for an API whose pages are full: the pages that `all` names, from any full page on, are those that `next` leads to.
 *
 * Gives the pages as they were read one after the other.
 * @throws AssertionError where a promise is broken
 */
export function checkPaginator(
  paginator: Paginator,
  answer: (request: RequestSpec) => PageView,
  expected: readonly JsonRecord[],
  options: { readonly sideBySide?: boolean } = {},
): ReadPage[] {
  const pages = readPages(paginator, answer)
  assert.deepEqual(recordsOf(pages), expected, 'the list is not read once, in order')
  for (const [index, { page, position }] of pages.entries()) {
    const following = pages[index + 1]?.position
    assert.deepEqual(
      paginator.next(page, position),
      following,
      `page ${index} leads elsewhere when asked again`,
    )
    const told = paginator.ahead?.(page, position)
    if (told !== undefined) assert.deepEqual(told, following, `the head of page ${index} leads elsewhere`)
    if (position === undefined) continue
    const rest = readPages(paginator, answer, { from: position })
    const missing = `reading from the position ${JSON.stringify(position)} does not give the rest`
    assert.deepEqual(recordsOf(rest), recordsOf(pages.slice(index)), missing)
  }
  if (options.sideBySide) checkSideBySide(paginator, answer, pages)
  return pages
}

function recordsOf(pages: readonly ReadPage[]): JsonRecord[] {
  return pages.flatMap(({ page }) => page.records)
}

/** What `all` names is what `next` leads to, but for an empty page by which `next` may learn of the end. */
function checkSideBySide(
  paginator: Paginator,
  answer: (request: RequestSpec) => PageView,
  [first, ...rest]: readonly ReadPage[],
): void {
  const positions = [...(paginator.all?.(first!.page) ?? [])]
  const confirmed = rest.filter(({ page }, index) => index < positions.length || page.records.length > 0)
  const led = confirmed.map(({ position }) => position)
  assert.deepEqual(positions, led, 'the pages to read side by side are not those that follow')
  for (const [index, { page, position }] of rest.entries()) {
    // A short page is the last, and says nothing of the length of the others.
    if (page.records.length < first!.page.records.length) continue
    const behind = [...(paginator.all?.(page, position) ?? [])]
    assert.ok(
      behind.length === 0 || isEqual(behind, led.slice(index + 1)),
      `page ${index + 1} names other pages than those that follow it`,
    )
  }
  const records = positions.flatMap((position) => answer(paginator.request(listRequest, position)).records)
  assert.deepEqual(records, recordsOf(rest), 'pages side by side do not give the list')
}
