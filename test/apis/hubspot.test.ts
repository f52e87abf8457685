import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('HubSpot', () => {
  interface Contact {
    id: number
    /** Milliseconds since 1970. */
    at: number
    name: string
  }

  interface Portal {
    contacts: Contact[]
    archived: number[]
    /** Called with each search, before it is answered. */
    onSearch?: (count: number, now: number) => void
    /** The policy by which the next search is refused. */
    refuse?: 'TEN_SECONDLY_ROLLING' | 'DAILY' | undefined
  }

  /** Search: 200 a page, 10,000 results, 5 a second without any header about it. Lists: 100 a page, with headers. */
  function hubspot(portal: Portal): ApiServer {
    const searches: number[] = []
    const refusal = (policyName: string) => ({
      status: 429,
      body: {
        status: 'error',
        message: 'You have reached your secondly limit.',
        errorType: 'RATE_LIMIT',
        correlationId: 'c1',
        policyName,
      },
    })
    return ({ url, headers, body, now }) => {
      if (headers['authorization'] !== 'Bearer secret-HUBSPOT_TOKEN')
        return { status: 401, body: { status: 'error', category: 'INVALID_AUTHENTICATION' } }
      if (url.pathname === '/crm/v3/objects/contacts') {
        expect(url.searchParams.get('archived')).toBe('true')
        const start = Number(url.searchParams.get('after') ?? 0)
        const end = start + Number(url.searchParams.get('limit'))
        return {
          headers: {
            'x-hubspot-ratelimit-max': '190',
            'x-hubspot-ratelimit-remaining': '150',
            'x-hubspot-ratelimit-interval-milliseconds': '10000',
          },
          body: {
            results: portal.archived
              .slice(start, end)
              .map((id) => ({ id: String(id), properties: {}, archived: true })),
            ...(end < portal.archived.length && { paging: { next: { after: String(end) } } }),
          },
        }
      }
      if (portal.refuse !== undefined) {
        const policy = portal.refuse
        if (policy !== 'DAILY') portal.refuse = undefined
        return refusal(policy)
      }
      searches.push(now)
      portal.onSearch?.(searches.length, now)
      if (searches.filter((at) => at > now - 1000).length > 5) return refusal('TEN_SECONDLY_ROLLING')
      const { filterGroups, sorts, limit, after = '0' } = JSON.parse(body)
      const [changed, ids] = filterGroups[0].filters
      expect([changed.operator, ids.operator, sorts[0].direction]).toEqual(['GTE', 'GT', 'ASCENDING'])
      if (Number(after) + limit > 10_000) {
        return {
          status: 400,
          body: { status: 'error', message: 'ERROR: after is past 10,000', category: 'VALIDATION_ERROR' },
        }
      }
      const found = portal.contacts
        .filter(({ at, id }) => at >= Number(changed.value) && id > Number(ids.value))
        .sort((a, b) => a.id - b.id)
      const end = Number(after) + limit
      return {
        body: {
          total: found.length,
          results: found.slice(Number(after), end).map(({ id, at, name }) => ({
            id: String(id),
            properties: {
              firstname: name,
              hs_object_id: String(id),
              lastmodifieddate: new Date(at).toISOString(),
            },
            archived: false,
          })),
          ...(end < found.length && { paging: { next: { after: String(end) } } }),
        },
      }
    }
  }

  const start = Date.parse('2025-06-01T00:00:00Z')
  const contacts = (length: number): Contact[] =>
    // One import has changed them all at one moment. The ids have different lengths.
    Array.from({ length }, (_, index) => ({ id: index + 1, at: start, name: 'Ann' }))
  const ids = (list: readonly { id?: unknown }[]) => list.map(({ id }) => Number(id)).sort((a, b) => a - b)

  test('12,000 contacts of one moment are read past the 10,000, also while others change, without one refusal', async () => {
    const portal: Portal = { contacts: contacts(12_000), archived: [] }
    portal.onSearch = (count, now) => {
      // Those that were read already and those that were not: none may shift another one out of sight.
      if (count > 60) return
      portal.contacts[count * 10] = { ...portal.contacts[count * 10]!, at: now, name: 'Bea' }
      portal.contacts[11_000 + count] = { ...portal.contacts[11_000 + count]!, at: now, name: 'Cleo' }
    }
    const { run, rows, requests, events, clock } = apiWorld('HubSpot', hubspot(portal))
    await run()
    expect(ids(rows('crm_contacts'))).toEqual(ids(portal.contacts))
    expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(60)
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
    await clock.advance(60_000)
    await run()
    const names = new Map(rows('crm_contacts').map(({ id, firstname }) => [Number(id), firstname]))
    expect(portal.contacts.filter(({ id, name }) => names.get(id) !== name)).toEqual([])
  })

  test('archived contacts are removed by their list, of which the last page has no `paging`', async () => {
    const portal: Portal = { contacts: contacts(500), archived: [] }
    const { run, rows, clock, requests } = apiWorld('HubSpot', hubspot(portal))
    await run()
    portal.archived = portal.contacts.splice(0, 150).map(({ id }) => id)
    portal.contacts.push({ id: 900, at: clock.now() + 1000, name: 'New' })
    await clock.advance(3_600_000)
    await run()
    expect(ids(rows('crm_contacts'))).toEqual(ids(portal.contacts))
    expect(requests.filter(({ url }) => url.searchParams.has('after'))).toHaveLength(1)
  })

  test('a refusal of the moment is waited for, one of the day stops the stream, and the next run goes on', async () => {
    const portal: Portal = { contacts: contacts(1000), archived: [], refuse: 'TEN_SECONDLY_ROLLING' }
    portal.onSearch = (count) => {
      if (count === 3) portal.refuse = 'DAILY'
    }
    const { run, rows, requests } = apiWorld('HubSpot', hubspot(portal))
    const report = await run({ mayFail: true })
    expect(report.streams.find(({ stream }) => stream === 'crm.contacts')?.error?.message).toContain(
      'You have reached your secondly limit',
    )
    expect(rows('crm_contacts')).toHaveLength(600)
    portal.refuse = undefined
    const before = requests.length
    await run()
    expect(ids(rows('crm_contacts'))).toEqual(ids(portal.contacts))
    // The two pages that were missing, and the archive.
    expect(requests.slice(before).filter(({ method }) => method === 'POST')).toHaveLength(2)
  })
})
