import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Intercom', () => {
  interface Contact {
    id: string
    /** Seconds since 1970. */
    at: number
    name: string
  }

  const windowMs = 10_000
  /** The day in the workspace's zone, Berlin, whose 26 October 2025 has 25 hours. */
  const days = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Berlin' })
  const dayOf = (seconds: number) => days.format(seconds * 1000)

  /** Contacts: 150 a page, times compared as days of the workspace, a budget per window of ten seconds. */
  function intercom(workspace: { contacts: Contact[]; budget: number }): ApiServer {
    let window = { at: 0, asked: 0 }
    return ({ method, url, headers, body, now }) => {
      if (
        headers['authorization'] !== 'Bearer secret-INTERCOM_TOKEN' ||
        headers['intercom-version'] !== '2.15'
      )
        return { status: 401, body: { type: 'error.list', errors: [{ code: 'unauthorized' }] } }
      const at = Math.floor(now / windowMs) * windowMs
      if (at !== window.at) window = { at, asked: 0 }
      window.asked++
      const reported = {
        'x-ratelimit-limit': String(workspace.budget),
        'x-ratelimit-remaining': String(Math.max(0, workspace.budget - window.asked)),
        'x-ratelimit-reset': String((at + windowMs) / 1000),
      }
      if (window.asked > workspace.budget) {
        return {
          status: 429,
          headers: reported,
          body: {
            type: 'error.list',
            errors: [{ code: 'rate_limit_exceeded', message: 'Exceeded rate limit', field: null }],
          },
        }
      }
      const isSearch = method === 'POST' && url.pathname === '/contacts/search'
      const asked = isSearch ? JSON.parse(body) : undefined
      if (isSearch) expect(asked.query).toMatchObject({ field: 'updated_at', operator: '>' })
      const size = Number(isSearch ? asked.pagination.per_page : url.searchParams.get('per_page'))
      const start = isSearch ? asked.pagination.starting_after : url.searchParams.get('starting_after')
      const since = isSearch ? dayOf(Number(asked.query.value)) : ''
      const found = workspace.contacts
        .filter((contact) => dayOf(contact.at) > since)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
      const rest = found.filter(({ id }) => id > (start ?? ''))
      const page = rest.slice(0, Math.min(size, 150))
      return {
        headers: reported,
        body: {
          type: 'list',
          data: page.map((contact) => ({
            type: 'contact',
            id: contact.id,
            name: contact.name,
            updated_at: contact.at,
          })),
          total_count: found.length,
          pages: {
            type: 'pages',
            per_page: size,
            next: rest.length > page.length ? { page: 2, starting_after: page.at(-1)!.id } : null,
          },
        },
      }
    }
  }

  const idOf = (index: number) => `c${String(index).padStart(6, '0')}`
  const contactsOf = (length: number): Contact[] =>
    Array.from({ length }, (_, index) => ({
      id: idOf(index),
      at: Date.parse('2025-10-20T00:00:00Z') / 1000 + index * 60,
      name: 'first',
    }))
  const byId = (rows: readonly { id?: unknown; name?: unknown }[]) =>
    Object.fromEntries(rows.map(({ id, name }) => [id, name]))

  test('a contact that changes later on the day of the mark is found; one that was merged away goes', async () => {
    const workspace = { contacts: contactsOf(1000), budget: 1666 }
    const { run, rows, clock, requests } = apiWorld('Intercom', intercom(workspace), {
      now: '2025-10-20T17:00:00Z',
    })
    await run()
    expect(byId(rows('support_contacts'))).toEqual(byId(workspace.contacts))
    expect(requests).toHaveLength(14)
    await clock.advance(600_000)
    workspace.contacts[5] = { id: idOf(5), at: clock.now() / 1000 - 1, name: 'second' }
    workspace.contacts.push({ id: idOf(2000), at: clock.now() / 1000 - 1, name: 'new' })
    workspace.contacts.splice(700, 1)
    await run()
    expect(byId(rows('support_contacts'))).toEqual(byId(workspace.contacts))
  })

  test('on the day of 25 hours nothing is missed, whichever third of an hour a run begins in', async () => {
    const workspace = { contacts: contactsOf(10), budget: 1666 }
    const { run, rows, clock } = apiWorld('Intercom', intercom(workspace), { now: '2025-10-25T20:00:00Z' })
    for (let third = 0; third < 84; third++) {
      const at = Math.floor(clock.now() / 1000) - 1
      workspace.contacts.push({ id: idOf(100 + third), at, name: `third ${third}` })
      await run()
      await clock.advance(1_200_000)
    }
    expect(byId(rows('support_contacts'))).toEqual(byId(workspace.contacts))
  })

  test('a budget that others use, too, is kept to as reported, without one refusal', async () => {
    const workspace = { contacts: contactsOf(3000), budget: 6 }
    const { run, rows, events } = apiWorld('Intercom', intercom(workspace))
    await run({ only: ['support.contacts'] })
    expect(byId(rows('support_contacts'))).toEqual(byId(workspace.contacts))
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
  })
})
