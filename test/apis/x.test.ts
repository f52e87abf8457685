import { describe, expect, test } from 'vitest'
import { countedWindow } from './counted-window.ts'
import { type ApiServer, apiWorld } from './harness.ts'

const minute = 60_000
const day = 24 * 60 * minute
const begins = Date.parse('2026-03-01T12:00:00Z')

interface Post {
  readonly id: string
  readonly text: string
}

/** A post's id says when it was made: milliseconds since the service's own epoch, and 22 bits. */
const idAt = (ms: number, sequence = 0) => String((BigInt(ms - 1_288_834_974_657) << 22n) + BigInt(sequence))
const madeAt = (id: string) => Number(BigInt(id) >> 22n) + 1_288_834_974_657
const post = (ms: number, sequence = 0): Post => ({ id: idAt(ms, sequence), text: `At ${ms}` })
const ids = (rows: readonly { readonly id?: unknown }[]) => rows.map(({ id }) => String(id)).sort()

describe('X', () => {
  interface Manners {
    readonly budget?: number
    readonly cappedAt?: number
    readonly onPage?: (page: number) => void
  }

  /** The search of seven days, newest first, the newest half minute withheld. */
  function x(
    posts: readonly Post[],
    { budget = 450, cappedAt = 0, onPage = () => {} }: Manners = {},
  ): ApiServer {
    const window = countedWindow(budget, 15 * minute)
    let asked = 0
    return ({ url, headers, now }) => {
      asked++
      if (headers['authorization'] !== 'Bearer secret-X_TOKEN')
        return {
          status: 401,
          body: { title: 'Unauthorized', type: 'about:blank', status: 401, detail: 'Unauthorized' },
        }
      const { allowed, remaining, resetAt } = window.count(now)
      const reported = {
        'x-rate-limit-limit': String(budget),
        'x-rate-limit-remaining': String(remaining),
        'x-rate-limit-reset': String(Math.ceil(resetAt / 1000)),
      }
      if (asked === cappedAt)
        return {
          status: 429,
          headers: reported,
          body: {
            title: 'UsageCapExceeded',
            detail: 'Usage cap exceeded: Monthly product cap',
            type: 'https://api.twitter.com/2/problems/usage-capped',
          },
        }
      if (!allowed)
        return {
          status: 429,
          headers: reported,
          body: { errors: [{ code: 88, message: 'Rate limit exceeded' }] },
        }
      const {
        since_id: since = '0',
        next_token: token,
        max_results: size = '10',
      } = Object.fromEntries(url.searchParams)
      if (since !== '0' && madeAt(since) < now - 7 * day)
        return {
          status: 400,
          headers: reported,
          body: {
            title: 'Invalid Request',
            detail: "'since_id' must be a tweet id created after 7 days ago",
            type: 'https://api.x.com/2/problems/invalid-request',
          },
        }
      const found = posts
        .filter(({ id }) => madeAt(id) > now - 7 * day && madeAt(id) <= now - 30_000)
        .filter(({ id }) => BigInt(id) > BigInt(since))
        .filter(({ id }) => token === undefined || BigInt(id) < BigInt(Buffer.from(token, 'hex').toString()))
        .sort((a, b) => (BigInt(a.id) > BigInt(b.id) ? -1 : 1))
      // Some of what was found is withheld after the page was cut: a short page is not the last.
      const page = found.slice(0, Number(size))
      const shown = page.filter(({ text }) => text !== 'withheld')
      onPage(asked)
      return {
        headers: reported,
        body: {
          // The key is missing where there is none.
          ...(shown.length > 0 && { data: shown }),
          // What a post refers to may be gone: an error beside the data.
          ...(asked === 5 && {
            errors: [
              {
                resource_type: 'tweet',
                title: 'Not Found Error',
                detail: 'Could not find tweet with referenced_tweets.id: [1].',
                type: 'https://api.x.com/2/problems/resource-not-found',
              },
            ],
          }),
          meta: {
            result_count: shown.length,
            ...(shown.length > 0 && { newest_id: shown[0]!.id, oldest_id: shown.at(-1)!.id }),
            ...(found.length > page.length && { next_token: Buffer.from(page.at(-1)!.id).toString('hex') }),
          },
        },
      }
    }
  }

  const history = (count: number) =>
    Array.from({ length: count }, (_, index) => post(begins - (count - index) * minute))

  test('is read newest first up to what is known, past short and empty pages, without one refusal', async () => {
    const posts = history(3_000)
    // The whole third page is withheld: it has no `data`, and names a next one.
    for (let index = 2_700; index < 2_800; index++) posts[index] = { ...posts[index]!, text: 'withheld' }
    const visible = posts.filter(({ text }) => text !== 'withheld')
    const server = x(posts, {
      onPage: (page) => {
        if (page === 2) posts.push(post(begins - 31_000))
      },
    })
    const { run, rows, requests, events, clock } = apiWorld('X', server)
    await run()
    expect(ids(rows('x_posts'))).toEqual(ids(visible))
    expect(requests).toHaveLength(30)

    // One came while the list was read, another is made now, in the same millisecond as a third.
    await clock.advance(2 * minute)
    posts.push(post(begins + minute, 1), post(begins + minute, 2))
    await run()
    const all = [...visible, ...posts.slice(3_000)]
    expect(ids(rows('x_posts'))).toEqual(ids(all))
    expect(requests).toHaveLength(31)
    expect(requests.at(-1)!.url.searchParams.get('since_id')).toBe(idAt(begins - minute))

    // Nothing new: no `data` at all, and the mark stays.
    await run()
    await run()
    expect(requests.at(-1)!.url.searchParams.get('since_id')).toBe(idAt(begins + minute, 2))
    expect(ids(rows('x_posts'))).toEqual(ids(all))
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
  })

  test('a limit is waited for a quarter of an hour; a month that is spent ends the run, and the next goes on', async () => {
    const posts = history(3_000)
    const { run, rows, requests, clock } = apiWorld('X', x(posts, { budget: 20, cappedAt: 25 }))
    const report = await run({ mayFail: true })
    expect(report.streams[0]!.error).toMatchObject({
      message: expect.stringContaining('this budget is spent, and waiting is not worth it'),
    })
    expect(requests).toHaveLength(25)
    expect(clock.now() - begins).toBeGreaterThanOrEqual(15 * minute)
    expect(clock.now() - begins).toBeLessThan(16 * minute)
    expect(rows('x_posts')).toHaveLength(2_400)

    await run()
    expect(ids(rows('x_posts'))).toEqual(ids(posts))
    expect(requests).toHaveLength(31)
  })

  test('errors alone, under status 200, are no empty result', async () => {
    const errors = [{ title: 'Forbidden', detail: 'Your account may not search.', type: 'about:blank' }]
    const { run } = apiWorld('X', () => ({ body: { errors } }))
    const report = await run({ mayFail: true })
    expect(report.streams[0]!.error).toMatchObject({
      code: 'API_ERROR_BODY',
      message: expect.stringContaining('Your account may not search.'),
    })
  })

  test('a run that comes too late says what to do', async () => {
    const { run, clock } = apiWorld('X', x(history(10)))
    await run()
    await clock.advance(8 * day)
    const report = await run({ mayFail: true })
    expect(report.streams[0]!.error!.message).toContain(
      "the last run was more than seven days ago, and the search goes no further back: run with --full-refresh ('since_id' must be a tweet id created after 7 days ago)",
    )
  })
})
