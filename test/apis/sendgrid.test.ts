import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('SendGrid', () => {
  interface Bounce {
    readonly email: string
    readonly created: number
    readonly reason: string
  }

  /** Newest first, 5 requests a minute; `meanwhile` happens between two requests. */
  function sendgrid(bounces: Bounce[], meanwhile: (now: number) => void = () => {}) {
    const state = { begins: 0, asked: 0, refused: 0 }
    const server: ApiServer = ({ url, headers, now }) => {
      expect(headers['authorization']).toBe('Bearer secret-SENDGRID_KEY')
      if (now - state.begins >= 60_000) Object.assign(state, { begins: now, asked: 0 })
      state.asked++
      const reported = {
        'x-ratelimit-limit': '5',
        'x-ratelimit-remaining': String(Math.max(0, 5 - state.asked)),
        'x-ratelimit-reset': String(Math.ceil((state.begins + 60_000) / 1000)),
      }
      if (state.asked > 5) {
        state.refused++
        return {
          status: 429,
          headers: reported,
          body: { errors: [{ field: null, message: 'too many requests' }] },
        }
      }
      const read = (name: string, otherwise: number) => Number(url.searchParams.get(name) ?? otherwise)
      const offset = read('offset', 0)
      const list = bounces
        .filter(({ created }) => created >= read('start_time', 0) && created <= read('end_time', now))
        .sort((a, b) => b.created - a.created)
        .slice(offset, offset + read('limit', 500))
      meanwhile(now)
      return { headers: reported, body: list }
    }
    return { server, state }
  }

  const bouncesOf = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      email: `b${index}@example.com`,
      created: Date.UTC(2025, 0, 1) / 1000 + index,
      reason: '550',
    }))
  const shown = (list: readonly object[]) =>
    list.map((item) => (({ email, reason }: Partial<Bounce>) => `${email} ${reason}`)(item)).toSorted()

  test('what bounces while the list is read shifts nothing, and what was removed goes', async () => {
    const bounces = bouncesOf(3200)
    let arriving = 6
    const { server, state } = sendgrid(bounces, (now) => {
      if (arriving-- > 0)
        bounces.push({ email: `new${arriving}@example.com`, created: Math.floor(now / 1000), reason: '421' })
    })
    const { run, rows, requests, clock } = apiWorld('SendGrid', server)
    await run()
    arriving = 0
    const first = requests.filter(({ url }) => url.searchParams.has('start_time'))
    // Seven pages, and an empty one; all of them end where the first one does.
    expect(first.length).toBe(8)
    expect(new Set(first.map(({ url }) => url.searchParams.get('end_time'))).size).toBe(1)
    const loaded = new Set(rows('sendgrid_bounces').map((row) => row['email']))
    expect(bouncesOf(3200).filter(({ email }) => !loaded.has(email))).toEqual([])

    await clock.advance(3_600_000)
    bounces.splice(10, 5)
    bounces[20] = { ...bounces[20]!, created: Math.floor(clock.now() / 1000) - 5, reason: '554 again' }
    await run()
    expect(shown(rows('sendgrid_bounces'))).toEqual(shown(bounces))
    expect(state.refused).toBe(0)
  })

  test('a 429 without Retry-After is waited for until the reset', async () => {
    const bounces = bouncesOf(10)
    const { server } = sendgrid(bounces)
    let refusals = 1
    const { run, rows, requests } = apiWorld('SendGrid', (request) =>
      refusals-- > 0
        ? {
            status: 429,
            headers: {
              'x-ratelimit-remaining': '0',
              'x-ratelimit-reset': String(Math.ceil(request.now / 1000) + 30),
            },
            body: { errors: [{ field: null, message: 'too many requests' }] },
          }
        : server(request),
    )
    await run()
    expect(shown(rows('sendgrid_bounces'))).toEqual(shown(bounces))
    expect(requests[1]!.now - requests[0]!.now).toBeGreaterThanOrEqual(30_000)
  })
})
