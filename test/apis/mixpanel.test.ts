import { describe, expect, test } from 'vitest'
import { countedWindow } from './counted-window.ts'
import { type ApiServer, apiWorld } from './harness.ts'

const hour = 3_600_000
const day = 24 * hour

interface Tracked {
  readonly event: string
  readonly distinctId: string
  readonly insertId: string
  /** When it happened, in milliseconds since 1970. */
  readonly at: number
  /** When the server learned of it. */
  readonly arrives: number
}

const wallClock = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/New_York',
  dateStyle: 'short',
  timeStyle: 'medium',
})
/** The wall's time in the project, as in `2026-02-28 21:00:00`. */
const onTheWall = (ms: number) => wallClock.format(ms)

describe('Mixpanel', () => {
  /** The raw export of a project whose days are those of New York: 60 an hour, 3 a second, no headers that tell of it. */
  function mixpanel(events: readonly Tracked[], faults: Map<string, 'early' | 'rate'>): ApiServer {
    const second = countedWindow(3, 1000)
    const hourly = countedWindow(60, hour)
    return ({ url, headers, now }) => {
      const wanted = Buffer.from('secret-MIXPANEL_USER:secret-MIXPANEL_SECRET').toString('base64')
      if (headers['authorization'] !== `Basic ${wanted}` || url.searchParams.get('project_id') !== '1234')
        return { status: 401, body: { code: 401, error: 'Invalid credentials', status: 'Unauthorized' } }
      const from = url.searchParams.get('from_date')!
      const to = url.searchParams.get('to_date')!
      const fault = faults.get(from)
      faults.delete(from)
      const counts = [second.count(now), hourly.count(now)]
      if (fault === 'rate' || counts.some(({ allowed }) => !allowed))
        return {
          status: 429,
          body: {
            code: 429,
            error: 'Project exceeded rate limits. Please retry the request with exponential backoff.',
            status: 'Too Many Requests',
          },
        }
      if (to > onTheWall(now).slice(0, 10))
        return {
          status: 400,
          body: { error: 'to_date cannot be later than today', request: '/api/2.0/export' },
        }
      const lines = events
        .filter(({ arrives }) => arrives <= now)
        .filter(({ at }) => onTheWall(at).slice(0, 10) >= from && onTheWall(at).slice(0, 10) <= to)
        .map(({ event, distinctId, insertId, at, arrives }) => {
          const time = Date.parse(`${onTheWall(at).replace(' ', 'T')}Z`) / 1000
          const properties = { time, distinct_id: distinctId, $insert_id: insertId }
          return JSON.stringify({ event, properties: { ...properties, mp_processing_time_ms: arrives } })
        })
      const half = [...lines.slice(0, lines.length / 2), 'export terminated early']
      return {
        headers: { 'content-type': 'text/plain' },
        body: `${(fault === 'early' ? half : lines).join('\n')}\n`,
      }
    }
  }

  function tracked(index: number, at: number, arrives = at + 60_000): Tracked {
    return { event: 'Signed up', distinctId: `user-${index % 7}`, insertId: `insert-${index}`, at, arrives }
  }
  const ids = (rows: readonly Record<string, unknown>[]) => rows.map((row) => row['$insert_id']).sort()

  test('is read by days of its own time zone, again for days that events come late to, each event once', async () => {
    // It is still the day before in New York.
    const now = Date.parse('2026-03-01T02:00:00Z')
    const begin = Date.parse('2026-01-01T05:00:00Z')
    const events: Tracked[] = []
    for (let at = begin; at < now - hour; at += 2 * hour) events.push(tracked(events.length, at))
    const offline = tracked(100_001, now - 4 * day, now + 6 * hour)
    const tooLate = tracked(100_002, now - 20 * day, now + 6 * hour)
    // Sent twice, and given twice.
    const twice = [...events, events[5]!, events[200]!, offline, tooLate]
    const faults = new Map<string, 'early' | 'rate'>([
      ['2026-01-03', 'early'],
      ['2026-02-10', 'rate'],
    ])
    const {
      run,
      rows,
      requests,
      events: told,
      clock,
    } = apiWorld('Mixpanel', mixpanel(twice, faults), {
      now: '2026-03-01T02:00:00Z',
    })

    await run()
    expect(ids(rows('mixpanel_events'))).toEqual(events.map(({ insertId }) => insertId).sort())
    // The day that the start lies in, 59 more, and one again for each of the two faults: more than an hour allows.
    expect(requests).toHaveLength(62)
    expect(requests.at(-1)!.url.searchParams.get('to_date')).toBe('2026-02-28')
    const retries = told.filter((event) => event.type === 'request.retry')
    expect(retries).toHaveLength(2)
    expect(retries.map(({ reason }) => reason).join('\n')).toContain('terminated early')

    await clock.advance(12 * hour)
    const later = tracked(100_003, now + 10 * hour)
    twice.push(later)
    const asked = requests.length
    await run()
    expect(ids(rows('mixpanel_events'))).toEqual(
      [...events, offline, later].map(({ insertId }) => insertId).sort(),
    )
    expect(new Set(requests.slice(asked).map(({ url }) => url.searchParams.get('from_date')))).toEqual(
      new Set([
        '2026-02-23',
        '2026-02-24',
        '2026-02-25',
        '2026-02-26',
        '2026-02-27',
        '2026-02-28',
        '2026-03-01',
      ]),
    )
    expect(told.filter((event) => event.type === 'request.retry')).toHaveLength(2)
  })
})
