import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Jira', () => {
  interface Issue {
    id: string
    /** Milliseconds since 1970. */
    at: number
    summary: string
  }

  interface Site {
    issues: Issue[]
    /** Requests that are allowed until the budget comes back, a minute after it was spent. */
    budget?: number
    jql: string[]
  }

  const minute = 60_000
  /** New York is five hours behind UTC until 8 March 2026, then four. */
  const summer = Date.parse('2026-03-08T07:00:00Z')
  const localMinute = (text: string) => {
    const asUtc = Date.parse(`${text.replace(' ', 'T')}:00Z`)
    const winter = asUtc + 5 * 60 * minute
    return winter < summer ? winter : asUtc + 4 * 60 * minute
  }

  /** search/jql: tokens, at most 100 a page whatever is asked for, minutes in the user's time zone, no total. */
  function jira(site: Site): ApiServer {
    let resetAt = 0
    return ({ url, headers, now }) => {
      const login = Buffer.from('secret-JIRA_USER:secret-JIRA_TOKEN').toString('base64')
      if (headers['authorization'] !== `Basic ${login}`) return { status: 401, body: '' }
      if (url.pathname !== '/rest/api/3/search/jql')
        return { status: 410, body: { errorMessages: ['The requested API has been removed.'] } }
      let reported = {}
      if (site.budget !== undefined) {
        if (now >= resetAt && site.budget <= 0) site.budget = 5
        if (now >= resetAt) resetAt = now + minute
        site.budget--
        reported = {
          'x-ratelimit-limit': '5',
          'x-ratelimit-remaining': String(Math.max(0, site.budget)),
          'x-ratelimit-reset': new Date(resetAt).toISOString().replace('.000Z', 'Z'),
        }
        if (site.budget < 0)
          return { status: 429, headers: { ...reported, 'ratelimit-reason': 'jira-burst-based' }, body: '' }
      }
      const jql = url.searchParams.get('jql') ?? ''
      const [, field, time] = /^(updated|created) >= "([^"]+)" order by/.exec(jql) ?? []
      if (field === undefined)
        return { status: 400, body: { errorMessages: ['Unbounded JQL queries are not allowed here.'] } }
      site.jql.push(jql)
      const found = site.issues
        .filter(({ at }) => field === 'created' || Math.floor(at / minute) * minute >= localMinute(time!))
        .sort((a, b) => a.at - b.at)
      const start = Number(url.searchParams.get('nextPageToken') ?? 0)
      const end = start + 100
      return {
        headers: reported,
        body: {
          issues: found.slice(start, end).map(({ id, at, summary }) => ({
            id,
            key: `ED-${id}`,
            ...(field === 'updated' && {
              fields: {
                summary,
                updated: new Date(at - 5 * 60 * minute).toISOString().replace('Z', '-0500'),
              },
            }),
          })),
          ...(end < found.length && { nextPageToken: String(end) }),
          isLast: end >= found.length,
        },
      }
    }
  }

  const issuesOf = (length: number): Issue[] =>
    Array.from({ length }, (_, index) => ({
      id: String(index + 1),
      at: Date.parse('2026-02-01T00:00:00Z') + index * 7000,
      summary: 'first',
    }))
  const byId = (rows: readonly { id?: unknown; summary?: unknown }[]) =>
    Object.fromEntries(rows.map(({ id, summary }) => [id, summary]))

  test('is read by tokens, then from the minute of the mark in the user’s zone; deleted issues go', async () => {
    const site: Site = { issues: issuesOf(950), jql: [] }
    const { run, rows, clock, requests } = apiWorld('Jira', jira(site))
    await run()
    expect(byId(rows('jira_issues'))).toEqual(byId(site.issues))
    expect(site.jql.filter((jql) => jql.includes('updated >='))).toHaveLength(10)

    // Within the minute that was read already, and of the index five minutes late.
    site.issues.push({ id: '2000', at: site.issues.at(-1)!.at + 100, summary: 'same minute' })
    site.issues.push({ id: '2001', at: site.issues[949]!.at - 4 * minute, summary: 'late' })
    site.issues.splice(10, 1)
    const before = requests.length
    await clock.advance(3_600_000)
    await run()
    expect(byId(rows('jira_issues'))).toEqual(byId(site.issues))
    // 2026-02-01T01:50:43Z, less five minutes, in New York.
    expect(site.jql).toContain('updated >= "2026-01-31 20:45" order by updated asc')
    const searches = requests.slice(before).map(({ url }) => url.searchParams.get('jql') ?? '')
    expect(searches.filter((jql) => jql.startsWith('updated >='))).toHaveLength(1)
  })

  test('over the night on which the clocks change nothing is missed', async () => {
    const site: Site = { issues: issuesOf(3), jql: [] }
    const { run, rows, clock } = apiWorld('Jira', jira(site), { now: '2026-03-08T05:00:00Z' })
    for (let run_ = 0; run_ < 8; run_++) {
      site.issues.push({ id: String(100 + run_), at: clock.now() - 1000, summary: 'night' })
      await run()
      await clock.advance(30 * minute)
    }
    expect(byId(rows('jira_issues'))).toEqual(byId(site.issues))
  })

  test('a budget that comes back at a date is kept to, without one refusal', async () => {
    const site: Site = { issues: issuesOf(950), budget: 5, jql: [] }
    const { run, rows, events } = apiWorld('Jira', jira(site))
    await run({ only: ['jira.issues'] })
    expect(byId(rows('jira_issues'))).toEqual(byId(site.issues))
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
  })
})
