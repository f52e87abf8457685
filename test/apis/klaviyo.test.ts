import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Klaviyo', () => {
  interface Resource {
    readonly id: string
    readonly at: number
    readonly attributes: Readonly<Record<string, unknown>>
    readonly metric?: string
  }

  /** 10 requests a second, of which no header speaks, and 150 a minute, of which three do. */
  function klaviyo(data: { profiles: Resource[]; events: Resource[] }) {
    const state = { second: [] as number[], minute: { begins: 0, asked: 0 }, refused: 0 }
    const iso = (at: number) => new Date(at).toISOString().replace('.000Z', '+00:00')
    const server: ApiServer = ({ url, headers, now }) => {
      expect(headers['authorization']).toBe('Klaviyo-API-Key secret-KLAVIYO_KEY')
      if (headers['revision'] === undefined)
        return {
          status: 400,
          body: {
            errors: [
              {
                status: 400,
                code: 'missing_revision',
                title: 'Missing revision',
                detail: 'A revision is required.',
              },
            ],
          },
        }
      state.second = state.second.filter((at) => now - at < 1000)
      if (now - state.minute.begins >= 60_000) state.minute = { begins: now, asked: 0 }
      if (state.second.length >= 10 || state.minute.asked >= 150) {
        state.refused++
        return {
          status: 429,
          headers: { 'retry-after': '1' },
          body: { errors: [{ status: 429, code: 'throttled', title: 'Request was throttled.' }] },
        }
      }
      state.second.push(now)
      state.minute.asked++
      const kind = url.pathname === '/api/profiles' ? 'profiles' : 'events'
      const field = kind === 'profiles' ? 'updated' : 'datetime'
      const [, how, name, time] = /^(greater-than|greater-or-equal)\((\w+),(.+)\)$/.exec(
        url.searchParams.get('filter')!,
      )!
      expect([name, url.searchParams.get('sort')]).toEqual([field, field])
      const since = Date.parse(time!)
      const size = Number(url.searchParams.get('page[size]'))
      const from = Number(url.searchParams.get('page[cursor]') ?? 0)
      const list = data[kind]
        .filter(({ at }) => (how === 'greater-than' ? at > since : at >= since))
        .sort((a, b) => a.at - b.at || a.id.localeCompare(b.id))
      const page = list.slice(from, from + size)
      const next = new URL(url)
      next.searchParams.set('page[cursor]', String(from + size))
      const metrics = new Set(page.flatMap(({ metric }) => metric ?? []))
      return {
        headers: {
          'ratelimit-limit': '150',
          'ratelimit-remaining': String(150 - state.minute.asked),
          'ratelimit-reset': String(Math.ceil((state.minute.begins + 60_000 - now) / 1000)),
        },
        body: {
          data: page.map(({ id, at, attributes, metric }) => ({
            type: kind.slice(0, -1),
            id,
            attributes: { ...attributes, [field]: iso(at) },
            ...(metric && { relationships: { metric: { data: { type: 'metric', id: metric } } } }),
          })),
          ...(url.searchParams.get('include') === 'metric' && {
            included: [...metrics].map((id) => ({
              type: 'metric',
              id,
              attributes: { name: `Metric ${id}` },
            })),
          }),
          links: { self: url.href, next: list.length > from + size ? next.href : null, prev: null },
        },
      }
    }
    return { server, state }
  }

  test('profiles and events are read whole, then what changed, with the second of the mark, without one refusal', async () => {
    const start = Date.UTC(2026, 1, 20)
    const data = {
      profiles: Array.from(
        { length: 20_000 },
        (_, index): Resource => ({
          id: `p${index}`,
          at: start + Math.floor(index / 3) * 1000,
          attributes: { email: `p${index}@example.com` },
        }),
      ),
      events: Array.from(
        { length: 3000 },
        (_, index): Resource => ({
          id: `e${index}`,
          at: start + index * 1000,
          attributes: { event_properties: { value: index } },
          metric: `m${index % 7}`,
        }),
      ),
    }
    const { server, state } = klaviyo(data)
    const { run, rows, requests, clock } = apiWorld('Klaviyo', server)
    const emails = () =>
      rows('klaviyo_profiles')
        .map(({ id, email }) => `${id} ${email}`)
        .toSorted()
    const agrees = () => {
      expect(emails()).toEqual(
        data.profiles.map(({ id, attributes }) => `${id} ${attributes['email']}`).toSorted(),
      )
      expect(
        rows('klaviyo_events')
          .map(({ id }) => String(id))
          .toSorted(),
      ).toEqual(data.events.map(({ id }) => id).toSorted())
    }
    await run()
    agrees()
    expect(requests).toHaveLength(200 + 15)
    expect(
      rows('klaviyo_events_metrics')
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6'])
    await clock.advance(3_600_000)
    const mark = data.profiles.at(-1)!.at
    data.profiles.push({ id: 'same second', at: mark, attributes: { email: 'late@example.com' } })
    data.profiles[5] = { ...data.profiles[5]!, at: clock.now(), attributes: { email: 'changed@example.com' } }
    const last = data.events.at(-1)!.at
    data.events.push({ id: 'late', at: last - 1_800_000, attributes: {}, metric: 'm8' })
    await run()
    agrees()
    expect(rows('klaviyo_events_metrics')).toHaveLength(8)
    const profiles = requests.slice(215).filter(({ url }) => url.pathname === '/api/profiles')
    expect(profiles).toHaveLength(1)
    expect(state.refused).toBe(0)
  })
})
