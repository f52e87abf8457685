import { describe, expect, test } from 'vitest'
import { type ApiAnswer, type ApiServer, apiWorld } from './harness.ts'

describe('Okta', () => {
  /** The System Log in the order of arrival; `published` is sometimes earlier. 60 requests a minute, windows off the clock's minutes. */
  function okta(events: { uuid: string; published: string }[], limit = 60) {
    const troubles: ApiAnswer[] = []
    let window = { begins: 0, asked: 0 }
    const server: ApiServer = ({ url, headers, now }) => {
      expect(headers['authorization']).toBe('SSWS secret-OKTA_TOKEN')
      const trouble = troubles.shift()
      if (trouble) return trouble
      if (now - window.begins >= 60_000) window = { begins: now, asked: 0 }
      window.asked++
      const reported = {
        date: new Date(now).toUTCString(),
        'x-rate-limit-limit': String(limit),
        'x-rate-limit-remaining': String(Math.max(0, limit - window.asked)),
        'x-rate-limit-reset': String(Math.ceil((window.begins + 60_000) / 1000)),
      }
      if (window.asked > limit)
        return {
          status: 429,
          headers: reported,
          body: {
            errorCode: 'E0000047',
            errorSummary: 'API call exceeded rate limit due to too many requests.',
            errorCauses: [],
          },
        }
      expect(url.searchParams.get('until')).toBeNull()
      const after = url.searchParams.get('after')
      const since = url.searchParams.get('since')
      const from = after === null ? events.findIndex(({ published }) => published >= since!) : Number(after)
      const page = from < 0 ? [] : events.slice(from, from + Number(url.searchParams.get('limit')))
      const next = new URL(url)
      next.searchParams.set('after', String(Math.max(0, from) + page.length))
      return { headers: { ...reported, link: [`<${url}>; rel="self"`, `<${next}>; rel="next"`] }, body: page }
    }
    return { server, troubles }
  }

  const published = (minute: number) => new Date(Date.UTC(2026, 1, 1) + minute * 1000).toISOString()
  const events = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ uuid: `e${index}`, published: published(index) }))

  test('every run ends at an empty page, and the next one asks its link', async () => {
    const log = events(70_000)
    const { server } = okta(log)
    const { run, rows, requests, clock, events: seen } = apiWorld('Okta', server)
    await run()
    expect(rows('okta_logs')).toHaveLength(70_000)
    // 70 full pages and the empty one; more than a minute's quota, and not one refusal.
    expect(requests).toHaveLength(71)
    expect(requests[0]!.url.searchParams.get('since')).toBe('2025-12-01T12:00:00Z')
    expect(seen.filter(({ type }) => type === 'request.retry')).toEqual([])

    await clock.advance(3_600_000)
    // One that comes late has a time that was passed long ago.
    log.push({ uuid: 'late', published: published(5) }, { uuid: 'new', published: published(90_000) })
    await run()
    expect(rows('okta_logs')).toHaveLength(70_002)
    expect(requests.slice(71).map(({ url }) => url.searchParams.get('after'))).toEqual(['70000', '70002'])
    await run()
    expect(requests.at(-1)!.url.searchParams.get('after')).toBe('70002')
    expect(requests).toHaveLength(74)
  })

  test('a 429 for concurrency, with a limit of 0 and a guessed reset, is asked again as any that passes: no budget is spent', async () => {
    const { server, troubles } = okta(events(1500))
    const { run, rows, requests, clock } = apiWorld('Okta', server)
    const begun = clock.now()
    troubles.push({
      status: 429,
      headers: {
        date: new Date(begun).toUTCString(),
        'x-rate-limit-limit': '0',
        'x-rate-limit-remaining': '0',
        'x-rate-limit-reset': String(begun / 1000 + 60),
      },
      body: { errorCode: 'E0000047', errorSummary: 'Too many concurrent requests.', errorCauses: [] },
    })
    await run()
    expect(rows('okta_logs')).toHaveLength(1500)
    expect(requests).toHaveLength(4)
    expect(requests[1]!.now - begun).toBeLessThan(10_000)
  })
})
