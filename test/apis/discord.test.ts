import { describe, expect, test } from 'vitest'
import { countedWindow } from './counted-window.ts'
import { type ApiAnswer, type ApiRequest, type ApiServer, apiWorld } from './harness.ts'

const minute = 60_000
const day = 24 * 60 * minute
const begins = Date.parse('2026-03-01T12:00:00Z')
const guild = '41771983423143937'

interface Message {
  readonly id: string
  readonly content: string
}

const snowflake = (ms: number, sequence = 0) =>
  String((BigInt(ms - 1_420_070_400_000) << 22n) + BigInt(sequence))
const message = (ms: number, sequence = 0): Message => ({
  id: snowflake(ms, sequence),
  content: `At ${ms} ${sequence}`,
})
const newestFirst = (a: Message, b: Message) => (BigInt(a.id) > BigInt(b.id) ? -1 : 1)
const contents = (rows: readonly { readonly id?: unknown; readonly content?: unknown }[]) =>
  rows.map(({ id, content }) => `${id} ${content}`).sort()

/** What every request passes: the bot's token and name, and a limit of its route and channel that is reported. */
function discord(refuseAt: number, answer: (request: ApiRequest) => ApiAnswer): ApiServer {
  const buckets = new Map<string, ReturnType<typeof countedWindow>>()
  let asked = 0
  return (request) => {
    const { url, headers, now } = request
    asked++
    if (!headers['user-agent']?.startsWith('DiscordBot ('))
      return { status: 403, body: '<!DOCTYPE html><title>Access denied</title>' }
    if (headers['authorization'] !== 'Bot secret-DISCORD_TOKEN')
      return { status: 401, body: { code: 0, message: '401: Unauthorized' } }
    const route = url.pathname
    const bucket = buckets.get(route) ?? countedWindow(10, 5_000)
    buckets.set(route, bucket)
    const { allowed, remaining, resetAt } = bucket.count(now)
    const reported = {
      'x-ratelimit-bucket': 'abcd1234',
      'x-ratelimit-limit': '10',
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': (resetAt / 1000).toFixed(3),
      'x-ratelimit-reset-after': ((resetAt - now) / 1000).toFixed(3),
    }
    if (!allowed || asked === refuseAt)
      return {
        status: 429,
        headers: { ...reported, 'retry-after': '65', 'x-ratelimit-scope': 'shared' },
        body: { message: 'You are being rate limited.', retry_after: 64.57, global: false },
      }
    const { headers: more, ...rest } = answer(request)
    return { ...rest, headers: { ...reported, ...more } }
  }
}

describe('Discord', () => {
  /** Messages of channels: those next to `after`, newest first; none where the bot may not read the history. */
  function channels(
    lists: ReadonlyMap<string, readonly Message[] | 'unreadable' | 'hidden'>,
    refuseAt = 0,
  ): ApiServer {
    return discord(refuseAt, ({ url }) => {
      if (url.pathname === `/api/v10/guilds/${guild}/channels`)
        return {
          body: [
            { id: '1', type: 4, name: 'a category' },
            ...[...lists.keys()].map((id) => ({ id, type: 0 })),
          ],
        }
      const list = lists.get(/channels\/(\d+)\/messages/.exec(url.pathname)![1]!)!
      if (list === 'hidden') return { status: 403, body: { code: 50_001, message: 'Missing Access' } }
      if (list === 'unreadable') return { body: [] }
      const limit = Number(url.searchParams.get('limit') ?? 50)
      const after = url.searchParams.get('after')
      const sorted = [...list].sort(newestFirst)
      if (after === null) return { body: sorted.slice(0, limit) }
      return { body: sorted.filter(({ id }) => BigInt(id) > BigInt(after)).slice(-limit) }
    })
  }

  const history = (count: number) =>
    Array.from({ length: count }, (_, index) => message(begins - (count - index) * 60 * minute, index))

  test('is read from the oldest on though each page is newest first, then what is new and edited, without one refusal', async () => {
    const busy = history(1_234)
    const lists = new Map<string, Message[] | 'unreadable' | 'hidden'>([
      ['11', busy],
      ['12', history(200)],
      ['13', 'unreadable'],
      ['14', 'hidden'],
      ['15', []],
    ])
    const { run, rows, requests, events, clock, destination } = apiWorld('Discord', channels(lists))
    await run({ only: ['discord.messages'] })
    expect(contents(rows('discord_messages'))).toEqual(contents([...busy, ...history(200)]))
    // The channels; 13 pages; two and an empty one; one of each other.
    expect(requests).toHaveLength(1 + 13 + 3 + 3)
    expect(destination.rejects('apis').map(({ reason }) => reason)).toEqual([
      expect.stringContaining('channel 14: Missing Access'),
    ])

    await clock.advance(day)
    busy.push(message(begins + minute, 1), message(begins + minute, 2))
    // An edit of yesterday, and one of a month ago, which only the gateway tells.
    busy[1_230] = { ...busy[1_230]!, content: 'Edited' }
    const before = busy[500]!
    busy[500] = { ...before, content: 'Edited too late' }
    await run({ only: ['discord.messages'] })
    const known = busy.map((each) => (each.id === before.id ? before : each))
    expect(contents(rows('discord_messages'))).toEqual(contents([...known, ...history(200)]))
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
    const again = requests.filter(({ url }) => url.pathname.includes('/11/'))[13]!
    expect(again.url.searchParams.get('after')).toBe(
      String(BigInt(busy[1_233]!.id) - (BigInt(7 * day) << 22n)),
    )
  })

  test('a refusal is waited out by its header, which asks for longer than the reset', async () => {
    const { run, rows, requests } = apiWorld('Discord', channels(new Map([['11', history(500)]]), 4))
    await run({ only: ['discord.messages'] })
    expect(rows('discord_messages')).toHaveLength(500)
    expect(requests[4]!.now - requests[3]!.now).toBeGreaterThanOrEqual(65_000)
  })

  test('a search whose index is still built is asked again, and read on behind its last result by the next run', async () => {
    const list = history(10_060)
    let asked = 0
    let ignoresOrder = false
    const server = discord(0, ({ url }) => {
      asked++
      if (asked <= 2)
        return {
          status: 202,
          body: { message: 'Index not yet available. Try again later', code: 110_000, retry_after: 2 },
        }
      const { min_id: since = '0', offset = '0', limit = '25' } = Object.fromEntries(url.searchParams)
      const found = list.slice(list.findIndex(({ id }) => id === since) + 1)
      if (Number(offset) > 9_975) return { status: 400, body: { code: 50_035, message: 'Invalid Form Body' } }
      if (ignoresOrder) found.reverse()
      const page = found.slice(Number(offset), Number(offset) + Number(limit))
      return {
        body: {
          doing_deep_historical_index: false,
          total_results: found.length,
          messages: page.map((each) => [each]),
        },
      }
    })
    const { run, rows, requests } = apiWorld('Discord', server)
    await run({ only: ['discord.links'] })
    expect(contents(rows('discord_links'))).toEqual(contents(list.slice(0, 10_000)))
    expect(requests).toHaveLength(2 + 400)
    expect(requests[1]!.now - requests[0]!.now).toBeGreaterThanOrEqual(2_000)

    // A list that is not sorted as it was asked for would end somewhere else.
    ignoresOrder = true
    const report = await run({ only: ['discord.links'], mayFail: true })
    expect(report.streams[0]!.error!.message).toContain('order')
    ignoresOrder = false
    const before = requests.length

    list.push(message(begins, 1))
    await run({ only: ['discord.links'] })
    expect(contents(rows('discord_links'))).toEqual(contents(list))
    expect(requests).toHaveLength(before + 3)
    expect(requests.at(-1)!.url.searchParams.get('min_id')).toBe(list[9_999]!.id)
  })
})
