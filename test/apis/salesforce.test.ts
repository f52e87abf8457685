import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Salesforce', () => {
  interface Row {
    id: string
    /** Milliseconds since 1970. */
    at: number
    amount: string
    isDeleted?: boolean
  }

  interface Org {
    rows: Row[]
    /** How many of the next requests are refused for the limit of the day. */
    refuse?: number
    /** Ends the session: the token that was given is no longer known. */
    session: number
    created: string[]
  }

  /** Bulk API 2.0: a job is done at its third look; its result is a snapshot of the time of its creation, 2,000 rows a page. */
  function salesforce(org: Org): ApiServer {
    const jobs = new Map<string, { rows: Row[]; looks: number }>()
    return ({ method, url, headers, body }) => {
      if (url.pathname === '/services/oauth2/token') {
        expect(new URLSearchParams(body).get('grant_type')).toBe('client_credentials')
        // No `expires_in`.
        return { body: { access_token: `session-${org.session}`, token_type: 'Bearer' } }
      }
      if (headers['authorization'] !== `Bearer session-${org.session}`)
        return { status: 401, body: [{ message: 'Session expired', errorCode: 'INVALID_SESSION_ID' }] }
      if (org.refuse) {
        org.refuse--
        return {
          status: 403,
          headers: { 'sforce-limit-info': 'api-usage=5000/5000' },
          body: [{ message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' }],
        }
      }
      const path = url.pathname.replace('/services/data/v64.0/', '')
      if (method === 'POST' && path === 'jobs/query') {
        const { operation, query } = JSON.parse(body)
        expect(operation).toBe('queryAll')
        // A time in SOQL stands without quotes.
        const since = /WHERE SystemModstamp >= (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/.exec(query)?.[1]
        if (since === undefined)
          return { status: 400, body: [{ message: query, errorCode: 'MALFORMED_QUERY' }] }
        org.created.push(since)
        const id = `750${org.created.length}`
        // In no order.
        const rows = org.rows.filter(({ at }) => at >= Date.parse(since)).reverse()
        jobs.set(id, { rows: structuredClone(rows), looks: 0 })
        return { body: { id, operation, state: 'UploadComplete' } }
      }
      const [, id = '', results] = /^jobs\/query\/(\w+)(\/results)?$/.exec(path) ?? []
      const job = jobs.get(id)
      if (job === undefined) return { status: 404, body: [{ errorCode: 'NOT_FOUND', message: id }] }
      if (results === undefined) {
        job.looks++
        return { body: { id, state: job.looks < 3 ? 'InProgress' : 'JobComplete' } }
      }
      const start = Number(url.searchParams.get('locator') ?? 0)
      // A page may hold fewer rows than were asked for.
      const page = job.rows.slice(start, start + 2000)
      const end = start + page.length
      const lines = page.map(
        ({ id, at, amount, isDeleted }) =>
          `"${id}","A ""big"", one","${amount}","${isDeleted ?? false}","${new Date(at).toISOString()}"`,
      )
      return {
        headers: {
          'content-type': 'text/csv',
          'sforce-locator': end < job.rows.length ? String(end) : 'null',
          'sforce-numberofrecords': String(page.length),
        },
        body: ['"Id","Name","Amount","IsDeleted","SystemModstamp"', ...lines, ''].join('\n'),
      }
    }
  }

  const start = Date.parse('2025-01-01T00:00:00Z')
  const rowsOf = (length: number): Row[] =>
    Array.from({ length }, (_, index) => ({
      id: `006${String(index).padStart(6, '0')}`,
      at: start + index * 1000,
      amount: index === 1 ? '' : `${index}.50`,
    }))
  const idsOf = (rows: readonly { Id?: unknown }[]) => rows.map(({ Id }) => Id).sort()
  const alive = ({ rows }: Org) =>
    rows
      .filter(({ isDeleted }) => !isDeleted)
      .map(({ id }) => id)
      .sort()

  test('a job is created, waited for and read page by page to the locator "null"; deleted rows go', async () => {
    const org: Org = { rows: rowsOf(4500), session: 1, created: [] }
    const { run, rows, requests, clock } = apiWorld('Salesforce', salesforce(org))
    await run()
    expect(idsOf(rows('sales_opportunities'))).toEqual(alive(org))
    const locators = requests
      .filter(({ url }) => url.pathname.endsWith('/results'))
      .map(({ url }) => url.searchParams.get('locator'))
    expect(locators).toEqual([null, '2000', '4000'])
    const row = (id: string) => rows('sales_opportunities').find(({ Id }) => Id === id)
    expect(row('006000001')).toMatchObject({ Name: 'A "big", one', Amount: null })
    expect(Number(row('006000002')?.['Amount'])).toBe(2.5)

    await clock.advance(3_600_000)
    const changed = clock.now() - 1000
    org.rows[7] = { ...org.rows[7]!, at: changed, isDeleted: true }
    org.rows[8] = { ...org.rows[8]!, at: changed, amount: '1000000.01' }
    org.rows.push({ id: '006900000', at: changed, amount: '1' })
    // Written by a transaction that has taken five minutes.
    org.rows.push({ id: '006900001', at: start + 4_499_000 - 300_000, amount: '1' })
    await run()
    expect(idsOf(rows('sales_opportunities'))).toEqual(alive(org))
    expect(Number(row('006000008')?.['Amount'])).toBe(1_000_000.01)
    expect(org.created).toHaveLength(2)
  })

  test('a run that is cut short goes on with the same job, behind the pages that were committed', async () => {
    const org: Org = { rows: rowsOf(4500), session: 1, created: [] }
    const server = salesforce(org)
    let isDown = true
    const { run, rows, requests } = apiWorld('Salesforce', (request) =>
      isDown && request.url.searchParams.get('locator') === '4000'
        ? { status: 400, body: [{ errorCode: 'UNKNOWN_EXCEPTION', message: 'down' }] }
        : server(request),
    )
    await run({ mayFail: true })
    expect(rows('sales_opportunities')).toHaveLength(4000)
    isDown = false
    // The session has ended meanwhile, too.
    org.session = 2
    const before = requests.length
    await run()
    expect(idsOf(rows('sales_opportunities'))).toEqual(alive(org))
    expect(org.created).toHaveLength(1)
    expect(
      requests.slice(before).filter(({ url }) => url.pathname.endsWith('/results')).length,
    ).toBeLessThanOrEqual(2)
  })

  test('a 403 for the limit of requests is waited for, a session that ends is renewed', async () => {
    const org: Org = { rows: rowsOf(10), session: 1, created: [], refuse: 2 }
    const { run, rows, events } = apiWorld('Salesforce', salesforce(org))
    await run()
    expect(rows('sales_opportunities')).toHaveLength(10)
    expect(events.filter((event) => event.type === 'request.retry')).toHaveLength(2)
    org.session = 2
    await run()
    expect(org.created).toHaveLength(2)
  })
})
