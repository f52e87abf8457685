import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Twilio', () => {
  const day = 86_400_000

  interface Message {
    readonly sid: string
    readonly account: string
    readonly sent: number | null
    readonly status: string
  }

  /** Newest first, with relative next pages; more than three requests at one moment are refused. */
  function twilio(messages: Message[], accounts: string[]) {
    const state = { moment: 0, atOnce: 0, refused: 0 }
    const rfc2822 = (ms: number) => new Date(ms).toUTCString().replace('GMT', '+0000')
    const server: ApiServer = ({ url, headers, now }) => {
      const credential = Buffer.from('secret-TWILIO_ACCOUNT_SID:secret-TWILIO_AUTH_TOKEN').toString('base64')
      if (headers['authorization'] !== `Basic ${credential}`)
        return { status: 401, body: { code: 20003, message: 'Authenticate', status: 401 } }
      // Answers take equally long: what is answered at one moment was under way together.
      state.atOnce = now === state.moment ? state.atOnce + 1 : 1
      state.moment = now
      if (state.atOnce > 3) {
        state.refused++
        return {
          status: 429,
          headers: { 'twilio-concurrent-requests': String(state.atOnce) },
          body: { code: 20429, message: 'Too Many Requests', status: 429 },
        }
      }
      const size = Number(url.searchParams.get('PageSize'))
      const page = Number(url.searchParams.get('Page') ?? 0)
      const paged = (name: string, list: readonly object[]) => {
        const next = new URLSearchParams(url.searchParams)
        next.set('Page', String(page + 1))
        next.set('PageToken', `PA${page}`)
        const isLast = (page + 1) * size >= list.length
        return {
          body: {
            page,
            page_size: size,
            next_page_uri: isLast ? null : `${url.pathname}?${next}`,
            [name]: list.slice(page * size, (page + 1) * size),
          },
        }
      }
      if (url.pathname === '/2010-04-01/Accounts.json')
        return paged(
          'accounts',
          accounts.map((sid) => ({ sid })),
        )
      const account = /^\/2010-04-01\/Accounts\/(AC\w+)\/Messages\.json$/.exec(url.pathname)![1]
      const since = url.searchParams.get('DateSent>')!
      expect(since).toMatch(/^\d{4}-\d{2}-\d{2}$/)
      return paged(
        'messages',
        messages
          .filter((message) => message.account === account)
          .filter(({ sent }) => sent === null || sent >= Date.parse(since))
          .sort((a, b) => (b.sent ?? Number.POSITIVE_INFINITY) - (a.sent ?? Number.POSITIVE_INFINITY))
          .map(({ sid, sent, status }) => ({
            sid,
            status,
            date_sent: sent === null ? null : rfc2822(sent),
            price: '-0.00750',
            num_segments: '1',
          })),
      )
    }
    return { server, state }
  }

  test('the messages of all accounts are read, those that wait for their sending too, never more than three at once', async () => {
    const accounts = Array.from({ length: 12 }, (_, index) => `AC${index}`)
    const messages: Message[] = accounts.flatMap((account, place) =>
      Array.from({ length: place === 4 ? 2500 : 40 }, (_, index) => ({
        sid: `SM${account}-${index}`,
        account,
        sent: Date.UTC(2026, 1, 1) + index * 600_000,
        status: 'delivered',
      })),
    )
    messages.push({ sid: 'queued', account: 'AC3', sent: null, status: 'queued' })
    const { server, state } = twilio(messages, accounts)
    const { run, rows, requests, clock } = apiWorld('Twilio', server)
    const agrees = () =>
      expect(
        rows('twilio_messages')
          .map(({ sid, status }) => `${sid} ${status}`)
          .toSorted(),
      ).toEqual(messages.map(({ sid, status }) => `${sid} ${status}`).toSorted())
    await run()
    agrees()
    expect(rows('twilio_messages')[0]).toMatchObject({ price: -0.0075, num_segments: 1 })
    // The list of accounts for itself and for the messages, and two more pages of the account with many.
    expect(requests).toHaveLength(2 + 12 + 2)
    expect(requests.at(-1)!.url.search).toContain('DateSent%3E=')

    await clock.advance(2 * day)
    const change = (sid: string, changes: Partial<Message>) => {
      const index = messages.findIndex((message) => message.sid === sid)
      messages[index] = { ...messages[index]!, ...changes }
    }
    change('queued', { sent: clock.now() - 60_000, status: 'sent' })
    change('SMAC5-39', { status: 'undelivered' })
    messages.push({ sid: 'new', account: 'AC0', sent: clock.now() - 1000, status: 'sent' })
    await run()
    agrees()
    expect(requests).toHaveLength(16 + 14)
    expect(state.refused).toBe(0)
    const since = requests.slice(16).map(({ url }) => url.searchParams.get('DateSent>'))
    // From the day before the mark on; the mark of the account with many messages is later.
    expect(new Set(since)).toEqual(new Set([null, '2026-01-31', '2026-02-17']))
  })

  test('20429 is waited for', async () => {
    const messages: Message[] = [{ sid: 'one', account: 'AC1', sent: Date.UTC(2026, 1, 1), status: 'sent' }]
    const { server } = twilio(messages, ['AC1'])
    let refusals = 2
    const { run, rows } = apiWorld('Twilio', (request) =>
      request.url.pathname.endsWith('/Messages.json') && refusals-- > 0
        ? { status: 429, body: { code: 20429, message: 'Too Many Requests', status: 429 } }
        : server(request),
    )
    await run()
    expect(rows('twilio_messages')).toHaveLength(1)
  })
})
