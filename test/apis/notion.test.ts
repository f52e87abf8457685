import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Notion', () => {
  const minute = 60_000

  interface Page {
    id: string
    /** Milliseconds since 1970: what the API shows is cut to the minute. */
    at: number
    title: string
    inTrash?: boolean
  }

  interface Workspace {
    pages: Page[]
    /** Answers that take the place of the next ones. */
    trouble: { status: number; code: string; retryAfter?: number }[]
    asked: string[]
  }

  /** A query of a data source: 100 a page, 10,000 rows at most, 3 requests a second, refusals with `Retry-After`. */
  function notion(workspace: Workspace): ApiServer {
    const times: number[] = []
    const error = (status: number, code: string, retryAfter?: number) => ({
      status,
      ...(retryAfter !== undefined && { headers: { 'retry-after': String(retryAfter) } }),
      body: { object: 'error', status, code, message: code },
    })
    return ({ method, headers, body, now }) => {
      if (headers['notion-version'] === undefined) return error(400, 'missing_version')
      if (headers['authorization'] !== 'Bearer secret-NOTION_TOKEN') return error(401, 'unauthorized')
      times.push(now)
      if (times.filter((at) => at > now - 1000).length > 3) return error(429, 'rate_limited', 1)
      const trouble = workspace.trouble.shift()
      if (trouble !== undefined) return error(trouble.status, trouble.code, trouble.retryAfter)
      expect(method).toBe('POST')
      workspace.asked.push(body)
      const { filter, page_size: size, start_cursor: cursor } = JSON.parse(body)
      if (size > 100) return error(400, 'validation_error')
      const shown = (at: number) => Math.floor(at / minute) * minute
      const from = filter ? Date.parse(filter.and[0].last_edited_time.on_or_after) : 0
      const to = filter ? Date.parse(filter.and[1].last_edited_time.on_or_before) : Number.POSITIVE_INFINITY
      const found = workspace.pages
        .filter(({ at, inTrash }) => !inTrash && shown(at) >= from && shown(at) <= to)
        .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
      const start = cursor === undefined ? 0 : found.findIndex(({ id }) => id === cursor)
      const end = Math.min(start + size, 10_000)
      const isCut = end === 10_000 && found.length > 10_000
      const hasMore = end < Math.min(found.length, 10_000)
      return {
        body: {
          object: 'list',
          results: found.slice(start, end).map(({ id, at, title }) => ({
            object: 'page',
            id,
            last_edited_time: new Date(shown(at)).toISOString(),
            in_trash: false,
            properties: { title },
          })),
          next_cursor: hasMore ? found[end]!.id : null,
          has_more: hasMore,
          ...(isCut && {
            request_status: { type: 'incomplete', incomplete_reason: 'query_result_limit_reached' },
          }),
        },
      }
    }
  }

  const idOf = (index: number) => `page-${String(index).padStart(6, '0')}`
  const pagesOf = (length: number, every: number): Page[] =>
    Array.from({ length }, (_, index) => ({
      id: idOf(index),
      at: Date.parse('2026-01-05T00:00:00Z') + index * every,
      title: 'first',
    }))
  const idsOf = (rows: readonly { id?: unknown }[]) => rows.map(({ id }) => id).sort()

  test('12,000 rows are read past the silent end at 10,000, without one refusal', async () => {
    const workspace: Workspace = { pages: pagesOf(12_000, 60_000), trouble: [], asked: [] }
    const { run, rows, events } = apiWorld('Notion', notion(workspace))
    await run({ only: ['wiki.pages'] })
    expect(idsOf(rows('wiki_pages'))).toEqual(idsOf(workspace.pages))
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
  })

  test('a list of all ids that is cut at 10,000 stops, and removes none of the rows behind', async () => {
    const workspace: Workspace = { pages: pagesOf(12_000, 60_000), trouble: [], asked: [] }
    const { run, rows } = apiWorld('Notion', notion(workspace))
    const report = await run({ mayFail: true })
    expect(report.streams.map(({ stream, error }) => [stream, error?.message])).toEqual([
      ['wiki.pages', undefined],
      ['wiki.page_ids', expect.stringContaining('there are more pages than a query gives')],
    ])
    expect(idsOf(rows('wiki_pages'))).toEqual(idsOf(workspace.pages))
  })

  test('a page that changes again within the minute in which it was read is read again', async () => {
    const workspace: Workspace = { pages: pagesOf(250, 1000), trouble: [], asked: [] }
    const { run, rows, clock } = apiWorld('Notion', notion(workspace), { now: '2026-03-01T12:00:05Z' })
    workspace.pages[3]!.at = clock.now()
    await run()
    await clock.advance(20_000)
    workspace.pages[3]!.at = clock.now()
    workspace.pages[3]!.title = 'second'
    await clock.advance(10 * minute)
    await run()
    const changed = rows('wiki_pages').find(({ id }) => id === idOf(3))
    expect(JSON.parse(String(changed?.['properties']))).toEqual({ title: 'second' })
  })

  test('what went to the trash is found by the list of all pages, and removed', async () => {
    const workspace: Workspace = { pages: pagesOf(250, 1000), trouble: [], asked: [] }
    const { run, rows, clock } = apiWorld('Notion', notion(workspace))
    await run()
    expect(rows('wiki_pages')).toHaveLength(250)
    workspace.pages[9]!.inTrash = true
    await clock.advance(minute)
    await run()
    expect(idsOf(rows('wiki_pages'))).toEqual(idsOf(workspace.pages.filter(({ inTrash }) => !inTrash)))
  })

  test('429, 529 and a conflict are waited for, although a query is a POST', async () => {
    const trouble = [
      { status: 429, code: 'rate_limited', retryAfter: 7 },
      { status: 529, code: 'service_overload' },
      { status: 409, code: 'conflict_error' },
    ]
    const workspace: Workspace = { pages: pagesOf(250, 1000), trouble, asked: [] }
    const { run, rows, events } = apiWorld('Notion', notion(workspace))
    await run()
    expect(rows('wiki_pages')).toHaveLength(250)
    expect(events.filter((event) => event.type === 'request.retry')).toHaveLength(3)
  })
})
