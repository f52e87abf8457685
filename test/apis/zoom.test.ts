import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Zoom', () => {
  interface Meeting {
    readonly uuid: string
    readonly user: string
    readonly start_time: string
    readonly topic: string
  }

  /** Ten heavy requests a second for the account and `daily` a day; reports of a month at most. */
  function zoom(users: string[], meetings: Meeting[], daily = 30_000) {
    const state = { second: [] as number[], today: { day: -1, asked: 0 }, refused: 0, logins: 0 }
    const server: ApiServer = ({ url, headers, now, body }) => {
      if (url.href.startsWith('https://zoom.us/oauth/token')) {
        const sent = new URLSearchParams(body)
        expect([sent.get('grant_type'), sent.get('account_id')]).toEqual([
          'account_credentials',
          'secret-ZOOM_ACCOUNT_ID',
        ])
        state.logins++
        return { body: { access_token: `z${state.logins}`, token_type: 'bearer', expires_in: 3599 } }
      }
      if (headers['authorization'] !== `Bearer z${state.logins}`)
        return { status: 401, body: { code: 124, message: 'Access token is expired.' } }
      const size = Number(url.searchParams.get('page_size'))
      const from = Number(url.searchParams.get('next_page_token') ?? 0)
      const paged = (name: string, list: readonly object[]) => ({
        body: {
          page_size: size,
          next_page_token: from + size < list.length ? String(from + size) : '',
          [name]: list.slice(from, from + size),
        },
      })
      if (url.pathname === '/v2/users')
        return paged(
          'users',
          users.map((id) => ({ id, type: 2 })),
        )
      state.second = state.second.filter((at) => now - at < 1000)
      const day = Math.floor(now / 86_400_000)
      if (state.today.day !== day) state.today = { day, asked: 0 }
      if (state.today.asked >= daily) {
        state.refused++
        return {
          status: 429,
          headers: {
            'x-ratelimit-type': 'Daily-limit',
            'x-ratelimit-category': 'Heavy',
            'retry-after': new Date((day + 1) * 86_400_000).toISOString(),
          },
          body: { code: 429, message: 'You have reached the maximum daily rate limit for this API.' },
        }
      }
      if (state.second.length >= 10) {
        state.refused++
        return {
          status: 429,
          headers: { 'x-ratelimit-type': 'QPS', 'x-ratelimit-category': 'Heavy' },
          body: { code: 429, message: 'You have reached the maximum per-second rate limit for this API.' },
        }
      }
      state.second.push(now)
      state.today.asked++
      const user = /\/report\/users\/([^/]+)\/meetings$/.exec(url.pathname)![1]
      const [first, last] = [url.searchParams.get('from')!, url.searchParams.get('to')!]
      if (Date.parse(last) - Date.parse(first) > 30 * 86_400_000)
        return { status: 400, body: { code: 300, message: 'The date range cannot exceed one month.' } }
      return paged(
        'meetings',
        meetings
          .filter((meeting) => meeting.user === user)
          .filter(({ start_time }) => start_time.slice(0, 10) >= first && start_time.slice(0, 10) <= last)
          .map(({ user: _, ...meeting }) => meeting),
      )
    }
    return { server, state }
  }

  function filled(daily?: number) {
    const users = Array.from({ length: 30 }, (_, index) => `u${index}`)
    const meetings = users.flatMap((user) =>
      Array.from({ length: 40 }, (_, index) => ({
        uuid: `${user}-${index}==`,
        user,
        start_time: new Date(Date.UTC(2026, 0, 1) + index * 36 * 3_600_000).toISOString(),
        topic: 'weekly',
      })),
    )
    // One user has more than a page of one month, on its last day.
    for (let index = 0; index < 700; index++)
      meetings.push({ uuid: `many-${index}`, user: 'u7', start_time: '2026-01-31T23:00:00Z', topic: 'many' })
    const api = zoom(users, meetings, daily)
    const world = apiWorld('Zoom', api.server)
    const agrees = () =>
      expect(
        world
          .rows('zoom_meetings')
          .map(({ uuid, user_id, topic }) => `${uuid} ${user_id} ${topic}`)
          .toSorted(),
      ).toEqual(
        meetings
          .filter(({ start_time }) => Date.parse(start_time) <= world.clock.now())
          .map(({ uuid, user, topic }) => `${uuid} ${user} ${topic}`)
          .toSorted(),
      )
    const reports = () => world.requests.filter(({ url }) => url.pathname.includes('/report/'))
    return { ...api, ...world, meetings, agrees, reports }
  }

  test('months of each user are read to the last day, within the limit of a second', async () => {
    const { run, meetings, clock, agrees, reports, state } = filled()
    await run()
    agrees()
    // January, February and the month that began today for 30 users, and two more pages of a full month.
    expect(reports()).toHaveLength(30 * 3 + 2)
    expect(state.refused).toBe(0)
    await clock.advance(12 * 3_600_000)
    meetings.push({ uuid: 'new', user: 'u3', start_time: '2026-03-01T13:00:00Z', topic: 'new' })
    meetings.push({ uuid: 'last month', user: 'u3', start_time: '2026-02-28T23:00:00Z', topic: 'late' })
    await run()
    agrees()
    // January is settled; the other two are within the two days that are read again.
    expect(reports()).toHaveLength(92 + 60)
    expect(state.refused).toBe(0)
  })

  test("the day's limit ends the run with the time at which to run again, and the next run goes on", async () => {
    const { run, clock, agrees, reports, state } = filled(80)
    const report = await run({ mayFail: true })
    const failed = report.streams.find(({ error }) => error !== null)!
    expect(failed.error).toMatchObject({ code: 'RATE_LIMITED' })
    expect(failed.error!.message).toContain('2026-03-02T00:00:00')
    expect(state.refused).toBeLessThanOrEqual(4)
    const first = reports().length
    expect(first - state.refused).toBe(80)
    await clock.advance(12 * 3_600_000)
    await run()
    agrees()
    // What is left, and the days of those that were read that are read again.
    expect(reports().length - first).toBeLessThan(80)
  })
})
