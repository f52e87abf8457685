import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Intercom', () => {
  interface Contact {
    readonly id: string
    /** Seconds since 1970. */
    readonly at: number
    readonly name: string
  }

  const day = 86_400
  /** The workspace's time zone is five hours behind UTC: its days begin at 05:00Z. */
  const dayOf = (seconds: number) => Math.floor((seconds - 5 * 3600) / day)

  /** Search compares whole days; pages by `starting_after`, 150 at most; 1,666 requests in each window of ten seconds. */
  function intercom(contacts: Contact[]): ApiServer {
    let window = { begins: 0, asked: 0 }
    return ({ method, url, headers, body, now }) => {
      if (headers['authorization'] !== 'Bearer secret-INTERCOM_TOKEN') return { status: 401, body: {} }
      if (headers['intercom-version'] !== '2.15') return { status: 400, body: {} }
      if (now - window.begins >= 10_000) window = { begins: now, asked: 0 }
      window.asked++
      const reported = {
        'x-ratelimit-limit': '1666',
        'x-ratelimit-remaining': String(Math.max(0, 1666 - window.asked)),
        'x-ratelimit-reset': String(Math.ceil((window.begins + 10_000) / 1000)),
      }
      if (window.asked > 1666) {
        const errors = [{ code: 'rate_limit_exceeded', message: 'Exceeded rate limit', field: null }]
        return { status: 429, headers: reported, body: { type: 'error.list', errors } }
      }
      const isSearch = method === 'POST' && url.pathname === '/contacts/search'
      const asked = isSearch ? JSON.parse(body) : undefined
      const found = contacts
        .filter(({ at }) => asked === undefined || dayOf(at) > dayOf(asked.query.value))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      const after = asked ? asked.pagination.starting_after : url.searchParams.get('starting_after')
      const size = Number(asked ? asked.pagination.per_page : url.searchParams.get('per_page'))
      expect(size).toBeLessThanOrEqual(150)
      const rest = found.filter(({ id }) => after === undefined || after === null || id > after)
      const page = rest.slice(0, size)
      const next = rest.length > page.length ? { starting_after: page.at(-1)!.id } : null
      return {
        headers: reported,
        body: {
          type: 'list',
          data: page.map(({ id, at, name }) => ({ type: 'contact', id, name, updated_at: at })),
          total_count: found.length,
          pages: { type: 'pages', next },
        },
      }
    }
  }

  test('what changed within the day of the mark is found, although a search compares whole days, and what vanished is removed', async () => {
    const start = Date.parse('2026-02-20T12:00:00Z') / 1000
    const contacts = Array.from(
      { length: 1000 },
      (_, index): Contact => ({
        id: String(index).padStart(5, '0'),
        at: start + index * 60,
        name: 'first',
      }),
    )
    const { run, rows, requests, clock, events } = apiWorld('Intercom', intercom(contacts))
    await run()
    expect(rows('support_contacts')).toHaveLength(1000)
    const now = () => Math.floor(clock.now() / 1000)
    // The same day as the greatest that was seen, and merged away.
    contacts[3] = { ...contacts[3]!, at: contacts[999]!.at + 30, name: 'changed' }
    contacts.splice(10, 1)
    contacts.push({ id: '09999', at: now(), name: 'new' })
    requests.length = 0
    await clock.advance(60_000)
    await run()
    const byId = new Map(rows('support_contacts').map((row) => [row['id'], row['name']]))
    expect(byId.size).toBe(1000)
    expect([byId.get('00003'), byId.get('00010'), byId.get('09999')]).toEqual(['changed', undefined, 'new'])
    // A day and an hour before the mark: whatever the day's length, the day before.
    const { value } = JSON.parse(requests.find(({ method }) => method === 'POST')!.body).query
    expect(value).toBe(contacts.findLast(({ name }) => name === 'first')!.at - 25 * 3600)
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
  })
})
