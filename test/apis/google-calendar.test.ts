import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Google Calendar', () => {
  interface Event {
    readonly id: string
    readonly status: 'confirmed' | 'cancelled'
    readonly summary: string
    /** The version of the calendar in which it changed. */
    readonly version: number
  }

  interface Calendar {
    readonly events: Map<string, Event>
    version: number
    /** Sync tokens of earlier versions are expired. */
    oldestKnown: number
    /** What the next requests are answered instead. */
    readonly trouble: { status: number; reason: string }[]
  }

  /** Pages that may be short or empty, and a sync token on the last one alone; 410 for one that is too old. */
  function google(calendar: Calendar): ApiServer {
    return ({ method, url, headers, body }) => {
      if (url.host === 'oauth2.googleapis.com') {
        expect([method, new URLSearchParams(body).get('refresh_token')]).toEqual([
          'POST',
          'secret-GOOGLE_REFRESH_TOKEN',
        ])
        // Without a new refresh token: the old one stays.
        return { body: { access_token: 'access', expires_in: 3599, token_type: 'Bearer' } }
      }
      if (headers['authorization'] !== 'Bearer access') return { status: 401, body: {} }
      const trouble = calendar.trouble.shift()
      if (trouble !== undefined) {
        const errors = [{ domain: 'usageLimits', reason: trouble.reason, message: trouble.reason }]
        return {
          status: trouble.status,
          body: { error: { errors, code: trouble.status, message: trouble.reason } },
        }
      }
      const query = url.searchParams
      // All the other parameters must be those of the first sync.
      expect([query.get('singleEvents'), query.get('maxResults'), query.get('timeMin')]).toEqual([
        'true',
        '2500',
        null,
      ])
      const sync = query.get('syncToken')
      const page = query.get('pageToken')
      const [since, at] = page ? page.split(':').map(Number) : [sync === null ? 0 : Number(sync.slice(4)), 0]
      if (sync !== null && since! < calendar.oldestKnown) {
        const errors = [
          { domain: 'calendar', reason: 'fullSyncRequired', message: 'Sync token is no longer valid' },
        ]
        return {
          status: 410,
          body: { error: { errors, code: 410, message: 'Sync token is no longer valid' } },
        }
      }
      const changed = [...calendar.events.values()].filter(({ version, status }) =>
        sync === null && since === 0 ? status === 'confirmed' : version > since!,
      )
      const items = changed.slice(at, at! + 300).map(({ id, status, summary }) => ({ id, status, summary }))
      const end = at! + 300
      // A page in the middle that holds nothing.
      if (end < changed.length)
        return {
          body: {
            items: at === 300 ? items.slice(0, 1) : items,
            nextPageToken: `${since}:${at === 300 ? 301 : end}`,
          },
        }
      return { body: { items, nextSyncToken: `sync${calendar.version}` } }
    }
  }

  function calendarOf(length: number): Calendar {
    const events = Array.from(
      { length },
      (_, index): Event => ({
        id: `e${index}`,
        status: 'confirmed',
        summary: 'first',
        version: 1,
      }),
    )
    return {
      events: new Map(events.map((event) => [event.id, event])),
      version: 1,
      oldestKnown: 0,
      trouble: [],
    }
  }

  function change(calendar: Calendar, id: string, event: Partial<Event>): void {
    calendar.version++
    const old = calendar.events.get(id) ?? { id, status: 'confirmed', summary: 'new', version: 0 }
    calendar.events.set(id, { ...old, ...event, version: calendar.version })
  }

  const confirmed = (calendar: Calendar) =>
    [...calendar.events.values()]
      .filter(({ status }) => status === 'confirmed')
      .map(({ id }) => id)
      .sort()
  const ids = (rows: readonly { id?: unknown }[]) => rows.map(({ id }) => id).sort()

  test('is read page by page to the sync token of the last one, then by it; cancelled events remove their rows', async () => {
    const calendar = calendarOf(1000)
    const { run, rows, requests } = apiWorld('Google Calendar', google(calendar))
    await run()
    expect(ids(rows('calendar_events'))).toEqual(confirmed(calendar))
    change(calendar, 'e5', { status: 'cancelled' })
    change(calendar, 'e6', { summary: 'moved' })
    change(calendar, 'e2000', {})
    requests.length = 0
    await run()
    expect(ids(rows('calendar_events'))).toEqual(confirmed(calendar))
    expect(rows('calendar_events').find(({ id }) => id === 'e6')).toMatchObject({ summary: 'moved' })
    const lists = requests.filter(({ url }) => url.host === 'www.googleapis.com')
    expect(lists.map(({ url }) => url.searchParams.get('syncToken'))).toEqual(['sync1'])
  })

  test('a sync token that has expired is answered with 410: the calendar is read anew, and what vanished meanwhile is gone', async () => {
    const calendar = calendarOf(700)
    const { run, rows, events } = apiWorld('Google Calendar', google(calendar))
    await run()
    change(calendar, 'e7', { summary: 'moved' })
    // Cancelled so long ago that the API doesn't tell of it any more.
    calendar.events.delete('e9')
    calendar.oldestKnown = calendar.version
    await run()
    expect(ids(rows('calendar_events'))).toEqual(confirmed(calendar))
    expect(events.filter((event) => event.type === 'position.expired')).toMatchObject([{ action: 'refresh' }])
  })

  test('a 403 for too many requests is waited for, one for lack of permission is told', async () => {
    const calendar = calendarOf(10)
    calendar.trouble.push(
      { status: 403, reason: 'rateLimitExceeded' },
      { status: 429, reason: 'userRateLimitExceeded' },
    )
    const { run, rows, events } = apiWorld('Google Calendar', google(calendar))
    await run()
    expect(rows('calendar_events')).toHaveLength(10)
    expect(events.filter((event) => event.type === 'request.retry')).toHaveLength(2)
    calendar.trouble.push({ status: 403, reason: 'insufficientPermissions' })
    await expect(run()).rejects.toThrow(/answered 403.*insufficientPermissions/)
  })
})
