import { describe, expect, test } from 'vitest'
import { countedWindow } from './counted-window.ts'
import { type ApiAnswer, type ApiRequest, type ApiServer, apiWorld } from './harness.ts'

const hour = 3_600_000
const minute = 60_000
const begins = Date.parse('2026-03-01T12:00:00Z')

interface Issue {
  readonly id: number
  readonly title: string
  readonly created_at: string
  readonly updated_at: string
  readonly pull_request?: { readonly url: string }
}

/** As GitHub writes a time: whole seconds. */
const at = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`
const titles = (rows: readonly { readonly id?: unknown; readonly title?: unknown }[]) =>
  rows.map(({ id, title }) => `${id} ${title}`).sort()

/** What every request passes: the token, a budget of an hour that is reported, and now and then a limit that is not. */
function github(resource: string, budget: number, answer: (request: ApiRequest) => ApiAnswer): ApiServer {
  const hourly = countedWindow(budget, hour)
  return (request) => {
    const { headers, now } = request
    if (headers['user-agent'] === undefined)
      return { status: 403, body: 'Request forbidden by administrative rules.' }
    if (headers['authorization'] !== 'Bearer secret-GITHUB_TOKEN')
      return { status: 401, body: { message: 'Bad credentials', status: '401' } }
    const { allowed, remaining, resetAt } = hourly.count(now)
    const reported = {
      'x-ratelimit-limit': String(budget),
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String(Math.ceil(resetAt / 1000)),
      'x-ratelimit-resource': resource,
    }
    if (!allowed)
      return { status: 403, headers: reported, body: { message: 'API rate limit exceeded for user ID 1.' } }
    const { headers: more, ...rest } = answer(request)
    return { ...rest, headers: { ...reported, ...more } }
  }
}

describe('GitHub', () => {
  /** Issues of a repository that has a new name, by page numbers, with links to where it is now. */
  function issues(
    list: Issue[],
    { budget = 5_000, secondaryAt = 0, onPage = (_page: number) => {} } = {},
  ): ApiServer {
    let asked = 0
    return github('core', budget, ({ url }) => {
      asked++
      if (asked === secondaryAt)
        return {
          status: 403,
          body: {
            message:
              'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
          },
        }
      if (url.pathname === '/repos/acme/engine/issues')
        return {
          status: 301,
          headers: { location: `https://api.github.com/repositories/1300192/issues${url.search}` },
          body: { message: 'Moved Permanently' },
        }
      const {
        since = '',
        state = 'open',
        direction = 'desc',
        per_page = '30',
        page = '1',
      } = Object.fromEntries(url.searchParams)
      const sorted = list
        .filter((issue) => state === 'all' && issue.updated_at >= since)
        .sort((a, b) => a.updated_at.localeCompare(b.updated_at) || a.id - b.id)
      if (direction === 'desc') sorted.reverse()
      const size = Number(per_page)
      const shown = sorted.slice((Number(page) - 1) * size, Number(page) * size)
      const linkTo = (number: number) => {
        const target = new URL(url)
        target.searchParams.set('page', String(number))
        return `<${target.href}>`
      }
      const last = Math.ceil(sorted.length / size)
      const links = [
        ...(Number(page) > 1 ? [`${linkTo(1)}; rel="first"`] : []),
        ...(Number(page) < last
          ? [`${linkTo(Number(page) + 1)}; rel="next"`, `${linkTo(last)}; rel="last"`]
          : []),
      ]
      onPage(Number(page))
      return { headers: links.length === 0 ? {} : { link: links.join(', ') }, body: shown }
    })
  }

  const issue = (id: number, updated: number): Issue => ({
    id,
    title: `Issue ${id}`,
    created_at: at(updated),
    updated_at: at(updated),
    ...(id % 5 === 0 && { pull_request: { url: `https://api.github.com/repos/acme/engine/pulls/${id}` } }),
  })
  const history = (count: number) =>
    Array.from({ length: count }, (_, index) => issue(index + 1, begins - (count - index) * minute))
  const truth = (list: readonly Issue[]) => list.filter(({ pull_request }) => pull_request === undefined)

  test('issues are read from where the repository has gone to, with what changes meanwhile, without pull requests', async () => {
    const list = history(1_000)
    let isTouched = false
    const server = issues(list, {
      onPage(page) {
        // While the second page is read, an issue of a later page goes to the front of the list.
        if (page !== 2 || isTouched) return
        isTouched = true
        const index = list.findIndex(({ id }) => id === 502)
        list[index] = { ...issue(502, begins + 1000), title: 'Changed while it was read' }
      },
    })
    const { run, rows, requests, clock } = apiWorld('GitHub', server)
    await run({ only: ['github.issues'] })
    expect(rows('github_issues')).toHaveLength(truth(list).length - 1)
    // The redirect, and ten pages.
    expect(requests).toHaveLength(11)

    await clock.advance(hour)
    list.push(issue(1_001, begins + 30 * minute))
    list[6] = { ...list[6]!, title: 'Closed', updated_at: at(begins + 40 * minute) }
    await run({ only: ['github.issues'] })
    expect(titles(rows('github_issues'))).toEqual(titles(truth(list)))
    expect(requests).toHaveLength(13)
    expect(requests.at(-1)!.url.searchParams.get('since')).toBe(at(begins - minute))
    expect(new Set(requests.map(({ headers }) => headers['authorization']))).toEqual(
      new Set(['Bearer secret-GITHUB_TOKEN']),
    )
  })

  test('a budget that is reported is waited for without one refusal, a secondary limit for a minute', async () => {
    const list = history(3_000)
    const { run, rows, requests, events, clock } = apiWorld(
      'GitHub',
      issues(list, { budget: 20, secondaryAt: 8 }),
    )
    await run({ only: ['github.issues'] })
    expect(rows('github_issues')).toHaveLength(truth(list).length)
    const retries = events.filter((event) => event.type === 'request.retry')
    expect(retries.map(({ reason }) => reason)).toEqual([expect.stringContaining('secondary rate limit')])
    expect(requests[8]!.now - requests[7]!.now).toBeGreaterThanOrEqual(minute)
    // 31 requests and the refusal, of which 20 an hour.
    expect(requests).toHaveLength(32)
    expect(clock.now() - begins).toBeGreaterThan(hour)
  })

  /** The search: 30 a minute, no result after the thousandth, and sometimes no time to find all. */
  function search(list: readonly Issue[], incompleteAt: number): ApiServer {
    const limit = countedWindow(30, minute)
    let asked = 0
    return ({ url, now }) => {
      asked++
      const { allowed, remaining, resetAt } = limit.count(now)
      const headers = {
        'x-ratelimit-limit': '30',
        'x-ratelimit-remaining': String(remaining),
        'x-ratelimit-reset': String(Math.ceil(resetAt / 1000)),
        'x-ratelimit-resource': 'search',
      }
      if (!allowed)
        return { status: 403, headers, body: { message: 'API rate limit exceeded for user ID 1.' } }
      const page = Number(url.searchParams.get('page') ?? 1)
      const size = Number(url.searchParams.get('per_page') ?? 30)
      if (page * size > 1000)
        return { status: 422, headers, body: { message: 'Only the first 1000 search results are available' } }
      const [, from = '', to = ''] = /created:(\S+)\.\.(\S+)/.exec(url.searchParams.get('q')!) ?? []
      const found = list.filter(
        ({ created_at }) =>
          Date.parse(created_at) >= Date.parse(from) && Date.parse(created_at) <= Date.parse(to),
      )
      if (asked === incompleteAt)
        return { headers, body: { total_count: 3, incomplete_results: true, items: found.slice(0, 3) } }
      const items = found.slice((page - 1) * size, page * size)
      return { headers, body: { total_count: found.length, incomplete_results: false, items } }
    }
  }

  test('a search is read in windows that hold less than it gives, and again where it ran out of time', async () => {
    const list = [
      // Two years of few, and a day of many.
      ...Array.from({ length: 400 }, (_, index) => issue(index + 1, begins - (index + 2) * 40 * hour)),
      ...Array.from({ length: 2_500 }, (_, index) =>
        issue(1_000 + index, begins - 20 * hour + index * 20_000),
      ),
    ]
    const { run, rows, requests, events, clock } = apiWorld('GitHub', search(list, 5))
    await run({ only: ['github.crashes'] })
    expect(titles(rows('github_crashes'))).toEqual(titles(list))
    expect(requests).toHaveLength(65)
    const retries = events.filter((event) => event.type === 'request.retry')
    expect(retries).toHaveLength(1)

    const asked = requests.length
    await clock.advance(hour)
    const late = issue(9_000, begins + 10 * minute)
    // The index has learned late of another.
    list.push(late, issue(9_001, begins - 3 * hour))
    await run({ only: ['github.crashes'] })
    expect(titles(rows('github_crashes'))).toEqual(titles(list))
    expect(requests.length - asked).toBeLessThan(40)
    expect(events.filter((event) => event.type === 'request.retry')).toHaveLength(1)
  })

  /** GraphQL: 100 nodes a page, a cursor, points of an hour, and a limit that is said under status 200. */
  function graphql(list: readonly Issue[], limitedAt: number): ApiServer {
    const hourly = countedWindow(5_000, hour)
    let asked = 0
    return ({ method, headers, body, now }) => {
      asked++
      if (method !== 'POST' || headers['authorization'] !== 'Bearer secret-GITHUB_TOKEN')
        return { status: 401, body: { message: 'This endpoint requires you to be authenticated.' } }
      const { remaining, resetAt } = hourly.count(now)
      const left = asked === limitedAt ? 0 : remaining
      const reported = {
        'x-ratelimit-remaining': String(left),
        'x-ratelimit-reset': String(Math.ceil(resetAt / 1000)),
        'x-ratelimit-resource': 'graphql',
      }
      if (asked === limitedAt)
        return {
          headers: reported,
          body: {
            errors: [{ type: 'RATE_LIMITED', message: 'API rate limit already exceeded for user ID 1.' }],
          },
        }
      const { first, after, since } = JSON.parse(body).variables
      const sorted = list
        .filter(({ updated_at }) => Date.parse(updated_at) >= Date.parse(since))
        .sort((a, b) => a.updated_at.localeCompare(b.updated_at) || a.id - b.id)
      const [time, id] = after ? Buffer.from(after, 'base64').toString().split('|') : ['', '0']
      const behind = sorted.filter(
        (each) => each.updated_at > time! || (each.updated_at === time && each.id > Number(id)),
      )
      const page = behind.slice(0, Number(first))
      const last = page.at(-1)
      return {
        headers: reported,
        body: {
          data: {
            rateLimit: { cost: 1, remaining: left, resetAt: at(resetAt) },
            repository: {
              issues: {
                pageInfo: {
                  hasNextPage: behind.length > page.length,
                  endCursor: last ? Buffer.from(`${last.updated_at}|${last.id}`).toString('base64') : null,
                },
                nodes: page.map((each) => ({
                  id: `I_${each.id}`,
                  number: each.id,
                  updatedAt: each.updated_at,
                })),
              },
            },
          },
        },
      }
    }
  }

  test('a connection of GraphQL is followed by its cursor, and a limit under status 200 is waited for', async () => {
    const list = history(1_000)
    const { run, rows, requests, clock, events } = apiWorld('GitHub', graphql(list, 6))
    await run({ only: ['github.labels'] })
    expect(rows('github_labels')).toHaveLength(1_000)
    expect(requests).toHaveLength(11)
    expect(requests[6]!.now - requests[0]!.now).toBeGreaterThanOrEqual(hour)
    expect(events.filter((event) => event.type === 'request.retry')).toHaveLength(1)

    const moved = { ...issue(3, begins + minute) }
    list[2] = moved
    await clock.advance(minute)
    await run({ only: ['github.labels'] })
    expect(requests).toHaveLength(12)
    expect(JSON.parse(requests.at(-1)!.body).variables).toMatchObject({ first: 100 })
    expect(rows('github_labels').find(({ number }) => number === 3)).toMatchObject({
      updatedAt: moved.updated_at,
    })
  })

  test('the three side by side stay within three budgets that are reported by the same headers', async () => {
    const list = history(2_500)
    const servers: Record<string, ApiServer> = {
      '/search/issues': search(list, 0),
      '/graphql': graphql(list, 0),
    }
    const repository = issues(list)
    const { run, rows, events } = apiWorld('GitHub', (request) =>
      (servers[request.url.pathname] ?? repository)(request),
    )
    await run()
    expect(titles(rows('github_issues'))).toEqual(titles(truth(list)))
    expect(rows('github_crashes')).toHaveLength(2_500)
    expect(rows('github_labels')).toHaveLength(2_500)
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
  })
})
