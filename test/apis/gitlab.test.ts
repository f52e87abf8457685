import { describe, expect, test } from 'vitest'
import { countedWindow } from './counted-window.ts'
import { type ApiServer, apiWorld } from './harness.ts'

const minute = 60_000
const begins = Date.parse('2026-03-01T12:00:00Z')

interface Issue {
  readonly id: number
  readonly iid: number
  readonly title: string
  readonly created_at: string
  readonly updated_at: string
}

const at = (ms: number) => new Date(ms).toISOString()
const issue = (id: number, created: number, updated = created): Issue => ({
  id,
  iid: id,
  title: `Issue ${id}`,
  created_at: at(created),
  updated_at: at(updated),
})
const titles = (rows: readonly { readonly id?: unknown; readonly title?: unknown }[]) =>
  rows.map(({ id, title }) => `${id} ${title}`).sort()

describe('GitLab', () => {
  /** Issues by keyset; a budget of a minute that is reported; refusals in plain text. */
  function gitlab(
    list: readonly Issue[],
    {
      budget = 2_000,
      refusals = new Map<number, 'user' | 'application' | 'broken'>(),
      onPage = (_asked: number) => {},
    } = {},
  ): ApiServer {
    const window = countedWindow(budget, minute)
    let asked = 0
    return ({ url, headers, now }) => {
      asked++
      if (headers['private-token'] !== 'secret-GITLAB_TOKEN')
        return { status: 401, body: { message: '401 Unauthorized' } }
      const { allowed, remaining, resetAt } = window.count(now)
      const reported = {
        'ratelimit-limit': String(budget),
        'ratelimit-name': 'throttle_authenticated_api',
        'ratelimit-observed': String(budget - remaining),
        'ratelimit-remaining': String(remaining),
        'ratelimit-reset': String(Math.ceil(resetAt / 1000)),
      }
      const text = { 'content-type': 'text/plain' }
      if (refusals.get(asked) === 'application') return { status: 429, headers: text, body: 'Retry later' }
      if (refusals.get(asked) === 'broken')
        return { status: 400, body: { message: { cursor: ['is invalid'] } } }
      if (!allowed || refusals.has(asked)) {
        const resetTime = new Date(now + 30_000).toUTCString()
        return {
          status: 429,
          headers: { ...reported, ...text, 'retry-after': '30', 'ratelimit-resettime': resetTime },
          body: 'Retry later',
        }
      }
      const query = Object.fromEntries(url.searchParams)
      if (query['scope'] !== 'all') return { headers: reported, body: [] }
      if (query['pagination'] !== 'keyset' || query['sort'] !== 'asc')
        return {
          status: 405,
          headers: reported,
          body: { error: 'Keyset pagination is not yet available for this type of request' },
        }
      const field = query['order_by'] as 'updated_at' | 'created_at'
      const [time = '', id = '0'] = query['cursor']
        ? Buffer.from(query['cursor'], 'base64').toString().split('|')
        : []
      const since = query['updated_after'] === undefined ? 0 : Date.parse(query['updated_after'])
      const page = list
        .filter(({ updated_at }) => Date.parse(updated_at) >= since)
        .filter((each) => each[field] > time || (each[field] === time && each.id > Number(id)))
        .sort((a, b) => a[field].localeCompare(b[field]) || a.id - b.id)
        .slice(0, Number(query['per_page'] ?? 20))
      const last = page.at(-1)
      onPage(asked)
      if (last === undefined) return { headers: reported, body: [] }
      const next = new URL(url)
      next.searchParams.set('cursor', Buffer.from(`${last[field]}|${last.id}`).toString('base64'))
      return { headers: { ...reported, link: `<${next.href}>; rel="next"` }, body: page }
    }
  }

  const history = (count: number) =>
    Array.from({ length: count }, (_, index) => issue(index + 1, begins - (count - index) * minute))

  test('is read by keyset to its empty page, then what changed, and what was deleted is found by the list of ids', async () => {
    const list = history(1_000)
    const { run, rows, requests, clock } = apiWorld(
      'GitLab',
      gitlab(list, {
        onPage(asked) {
          // While the list is read, an issue of a page to come is changed: it goes to the end.
          if (asked === 3)
            list[700] = { ...list[700]!, title: 'Changed meanwhile', updated_at: at(begins + 5) }
        },
      }),
    )
    await run({ only: ['gitlab.issues'] })
    expect(titles(rows('gitlab_issues'))).toEqual(titles(list))
    // Ten pages, and the one that is empty.
    expect(requests).toHaveLength(11)

    await clock.advance(60 * minute)
    list.push(issue(1_001, begins + 30 * minute))
    list[3] = { ...list[3]!, title: 'Closed', updated_at: at(begins + 31 * minute) }
    const deleted = list.splice(10, 5)
    await run()
    expect(titles(rows('gitlab_issues'))).toEqual(titles(list))
    expect(rows('gitlab_issues').some(({ id }) => id === deleted[0]!.id)).toBe(false)
    // What changed and an empty page; all that there are and an empty page.
    expect(requests).toHaveLength(11 + 2 + 11)
    expect(requests[11]!.url.searchParams.get('updated_after')).toBe('2026-03-01T12:00:00Z')
  })

  test('goes on in the middle where a run ended, and then from what it had seen', async () => {
    const list = history(1_000)
    const refusals = new Map([[5, 'broken' as const]])
    const { run, rows, requests } = apiWorld('GitLab', gitlab(list, { refusals }))
    const report = await run({ only: ['gitlab.issues'], mayFail: true })
    // The message is an object.
    expect(report.streams[0]!.error!.message).toContain('is invalid')
    expect(rows('gitlab_issues')).toHaveLength(400)

    list[2] = { ...list[2]!, title: 'Changed between the runs', updated_at: at(begins + minute) }
    await run({ only: ['gitlab.issues'] })
    expect(titles(rows('gitlab_issues'))).toEqual(titles(list))
    expect(requests).toHaveLength(5 + 8)
  })

  test('waits for the budget that is reported, and for refusals in plain text, with a time and without', async () => {
    const list = history(3_000)
    const refusals = new Map([
      [5, 'user' as const],
      [9, 'application' as const],
    ])
    const { run, rows, requests, events, clock } = apiWorld('GitLab', gitlab(list, { budget: 20, refusals }))
    await run({ only: ['gitlab.issues'] })
    expect(titles(rows('gitlab_issues'))).toEqual(titles(list))
    expect(requests).toHaveLength(33)
    expect(requests[5]!.now - requests[4]!.now).toBeGreaterThanOrEqual(30_000)
    const retries = events.filter((event) => event.type === 'request.retry')
    expect(retries.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('Retry later'),
      expect.stringContaining('Retry later'),
    ])
    expect(clock.now() - begins).toBeGreaterThan(minute)
  })
})
