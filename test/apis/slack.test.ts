import { describe, expect, test } from 'vitest'
import { countedWindow } from './counted-window.ts'
import { type ApiServer, apiWorld } from './harness.ts'

const minute = 60_000
const begins = Date.parse('2026-03-01T12:00:00Z')

interface Message {
  readonly ts: string
  readonly text: string
  readonly subtype?: string
}

/** A message's time: seconds, and six digits that tell those of one second apart. */
const ts = (ms: number, sequence = 0) => `${Math.floor(ms / 1000)}.${String(sequence).padStart(6, '0')}`
const message = (ms: number, sequence = 0): Message => ({
  ts: ts(ms, sequence),
  text: `At ${ms} ${sequence}`,
})

interface Manners {
  /** What the n-th request for messages meets. */
  readonly faults?: ReadonlyMap<number, 'internal_error' | 'missing_scope' | 'ratelimited'>
}

describe('Slack', () => {
  /** Channels, and the messages of each, newest first, under limits of each method. */
  function slack(
    channels: ReadonlyMap<string, readonly Message[] | null>,
    { faults = new Map() }: Manners = {},
  ): ApiServer {
    const limits = {
      'conversations.list': countedWindow(20, minute),
      'conversations.history': countedWindow(50, minute),
    }
    let asked = 0
    return ({ url, headers, now }) => {
      if (headers['authorization'] !== 'Bearer secret-SLACK_TOKEN')
        return { body: { ok: false, error: 'invalid_auth' } }
      const method = url.pathname.slice('/api/'.length) as keyof typeof limits
      const { allowed, resetAt } = limits[method].count(now)
      const query = Object.fromEntries(url.searchParams)
      const fault = method === 'conversations.history' ? faults.get(++asked) : undefined
      if (!allowed || fault === 'ratelimited')
        return {
          status: 429,
          headers: { 'retry-after': String(fault ? 30 : Math.ceil((resetAt - now) / 1000)) },
          body: { ok: false, error: 'ratelimited' },
        }
      if (fault !== undefined) return { body: { ok: false, error: fault, needed: 'channels:history' } }
      // A cursor has "=" at its end; one that was encoded twice, or not at all, is another.
      let offset = 0
      if (query['cursor'] !== undefined) {
        const text = Buffer.from(query['cursor'], 'base64').toString()
        if (!query['cursor'].endsWith('==') || !text.startsWith('next:'))
          return { body: { ok: false, error: 'invalid_cursor' } }
        offset = Number(text.slice('next:'.length))
      }
      // The list of channels is given in shorter pages than were asked for.
      const size = method === 'conversations.list' ? 10 : Number(query['limit'] ?? 100)
      const page = <T>(list: readonly T[]) => {
        const isLast = offset + size >= list.length
        // Ten bytes, so that the encoded text has to be filled up.
        const next = isLast
          ? ''
          : Buffer.from(`next:${String(offset + size).padStart(5, '0')}`).toString('base64')
        return { items: list.slice(offset, offset + size), next }
      }
      if (method === 'conversations.list') {
        const { items, next } = page([...channels])
        return {
          body: {
            ok: true,
            channels: items.map(([id, messages]) => ({
              id,
              name: id.toLowerCase(),
              is_member: messages !== null,
            })),
            response_metadata: { next_cursor: next },
          },
        }
      }
      const messages = channels.get(query['channel']!)
      if (!messages)
        return { body: { ok: false, error: messages === null ? 'not_in_channel' : 'channel_not_found' } }
      const oldest = query['oldest'] ?? '0'
      const found = messages
        .filter((each) =>
          query['inclusive'] === 'true'
            ? Number(each.ts) >= Number(oldest)
            : Number(each.ts) > Number(oldest),
        )
        .sort((a, b) => b.ts.localeCompare(a.ts))
      const { items, next } = page(found)
      const shown = items.filter(({ text }) => text !== 'withheld')
      return {
        body: {
          ok: true,
          messages: shown.map((each) => ({ type: 'message', ...each })),
          has_more: next !== '',
          response_metadata: { next_cursor: next },
        },
      }
    }
  }

  const history = (count: number) =>
    Array.from({ length: count }, (_, index) => message(begins - (index + 1) * minute, index % 7))
  const truth = (channels: ReadonlyMap<string, readonly Message[] | null>) =>
    [...channels]
      .flatMap(([channel, messages]) => (messages ?? []).map(({ ts, text }) => `${channel} ${ts} ${text}`))
      .sort()
  const stored = (rows: readonly Record<string, unknown>[]) =>
    rows.map(({ channel, ts, text }) => `${channel} ${ts} ${text}`).sort()

  test('is read channel by channel, each from its own mark, with edits and tombstones, without one refusal', async () => {
    const busy = history(2_000)
    // The second page of a channel is empty, and not the last.
    const gaps = history(600).map((each, index) =>
      index >= 200 && index < 400 ? { ...each, text: 'withheld' } : each,
    )
    const channels = new Map<string, Message[] | null>([
      ['C1', busy],
      ['C2', gaps],
      ['C3', null],
      ...Array.from({ length: 250 }, (_, index): [string, Message[]] => [
        `D${index}`,
        [message(begins - 60 * minute, index)],
      ]),
    ])
    // The first that is wanted, at the very second.
    gaps.push(message(Date.parse('2024-01-01T00:00:00Z')))
    const { run, rows, requests, events, clock } = apiWorld('Slack', slack(channels))
    await run()
    const visible = () =>
      new Map(
        [...channels].map(([id, list]) => [id, list?.filter(({ text }) => text !== 'withheld') ?? null]),
      )
    expect(stored(rows('slack_messages'))).toEqual(truth(visible()))
    // 26 pages of channels, for each of the two streams; ten of C1, four of C2, one of each other.
    expect(requests).toHaveLength(26 + 26 + 10 + 4 + 250)

    await clock.advance(60 * minute)
    // In the second of the mark, after it, edited, and deleted with replies that stay.
    busy.push(message(begins - minute, 99), message(begins + 5 * minute))
    busy[500] = { ...busy[500]!, text: 'Edited' }
    busy[700] = { ...busy[700]!, text: 'This message was deleted.', subtype: 'tombstone' }
    channels.set('C9', history(3))
    await run()
    const left = visible()
    left.set(
      'C1',
      busy.filter(({ subtype }) => subtype !== 'tombstone'),
    )
    expect(stored(rows('slack_messages'))).toEqual(truth(left))
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
    const oldest = requests.filter(({ url }) => url.searchParams.get('channel') === 'C1').at(-1)!
    expect(oldest.url.searchParams.get('oldest')).toBe(String(begins / 1000 - 60 - 7 * 86_400))
  })

  test('an error of Slack itself is repeated, a refusal waited for, and a channel that is gone left out', async () => {
    const channels = new Map<string, Message[] | null>([
      ['C1', history(300)],
      ['C2', history(100)],
    ])
    const faults = new Map([
      [1, 'internal_error' as const],
      [3, 'ratelimited' as const],
    ])
    const api = slack(channels, { faults })
    const { run, rows, events, destination } = apiWorld('Slack', (request) => {
      // Between the list and its messages the channel was deleted.
      if (request.url.searchParams.get('channel') === 'C2')
        return { body: { ok: false, error: 'channel_not_found' } }
      return api(request)
    })
    await run()
    expect(rows('slack_messages')).toHaveLength(300)
    const retries = events.filter((event) => event.type === 'request.retry')
    expect(retries).toHaveLength(2)
    expect(retries[1]!.delayMs).toBeGreaterThanOrEqual(30_000)
    expect(destination.rejects('apis').map(({ reason }) => reason)).toEqual([
      expect.stringContaining('channel C2: channel_not_found'),
    ])
  })

  test('any other error under status 200 stops the stream, and is not taken for an empty channel', async () => {
    const channels = new Map([['C1', history(10)]])
    const { run, rows } = apiWorld('Slack', slack(channels, { faults: new Map([[1, 'missing_scope']]) }))
    const report = await run({ mayFail: true })
    const failed = report.streams.find(({ stream }) => stream === 'slack.messages')!
    expect(failed.error).toMatchObject({
      code: 'API_ERROR_BODY',
      message: expect.stringContaining('missing_scope'),
    })
    expect(rows('slack_messages')).toEqual([])
  })
})
