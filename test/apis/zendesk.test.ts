import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Zendesk', () => {
  const minute = 60_000

  /** The incremental export by cursor: 1,000 a page, 10 requests a minute, the newest minute withheld. */
  function zendesk(tickets: { id: number; at: number; status: string }[]): ApiServer {
    let window = { begins: 0, asked: 0 }
    return ({ url, headers, now }) => {
      if (headers['authorization'] !== 'Bearer secret-ZENDESK_TOKEN')
        return { status: 401, body: { error: "Couldn't authenticate you" } }
      if (now - window.begins >= minute) window = { begins: now, asked: 0 }
      window.asked++
      const resets = Math.ceil((window.begins + minute - now) / 1000)
      const reported = {
        'zendesk-ratelimit-incremental-exports-cursor': `total=10; remaining=${Math.max(0, 10 - window.asked)}; resets=${resets}`,
      }
      if (window.asked > 10)
        return { status: 429, headers: { ...reported, 'retry-after': String(resets) }, body: '' }
      const cursor = url.searchParams.get('cursor')
      const [time, id] = cursor
        ? Buffer.from(cursor, 'base64').toString().split('|').filter(Boolean).map(Number)
        : [Number(url.searchParams.get('start_time')), 0]
      const visible = tickets
        .filter(({ at }) => at <= now / 1000 - 60)
        .filter((ticket) => ticket.at > time! || (ticket.at === time && ticket.id > id!))
        .sort((a, b) => a.at - b.at || a.id - b.id)
      const page = visible.slice(0, 1000)
      const last = page.at(-1)
      return {
        headers: reported,
        body: {
          tickets: page.map(({ at, ...ticket }) => ({ ...ticket, generated_timestamp: at })),
          // A page without records may name no cursor.
          after_cursor: last ? Buffer.from(`${last.at}||${last.id}|`).toString('base64') : null,
          end_of_stream: visible.length <= 1000,
        },
      }
    }
  }

  test('is read whole, then only what changed, also what became visible late, without one refusal', async () => {
    const tickets = Array.from({ length: 25_000 }, (_, index) => ({
      id: index + 1,
      at: 1_704_067_200 + Math.floor(index / 3),
      status: 'open',
    }))
    const { run, rows, requests, clock, events } = apiWorld('Zendesk', zendesk(tickets))
    const now = () => Math.floor(clock.now() / 1000)
    tickets.push({ id: 25_001, at: now() + 300, status: 'new' })
    await run()
    expect(rows('desk_tickets')).toHaveLength(25_000)
    expect(requests).toHaveLength(25)
    await clock.advance(10 * minute)
    tickets[6] = { id: 7, at: now() - 61, status: 'deleted' }
    await run()
    expect(rows('desk_tickets')).toHaveLength(25_001)
    expect(rows('desk_tickets').find(({ id }) => id === 7)).toMatchObject({ status: 'deleted' })
    await run()
    expect(requests).toHaveLength(27)
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
  })
})
