import { describe, expect, test } from 'vitest'
import { type ApiAnswer, type ApiServer, apiWorld } from './harness.ts'

describe('OpenAI', () => {
  const day = 86_400
  const models = ['m-large', 'm-small']

  /** Buckets of a day up to now, those of `idle` days empty; 4 requests in six minutes. */
  function openai(used: (start: number, model: string) => number, idle: ReadonlySet<number> = new Set()) {
    const state = { begins: 0, asked: 0, refused: 0 }
    const troubles: ApiAnswer[] = []
    const server: ApiServer = ({ url, headers, now }) => {
      if (headers['authorization'] !== 'Bearer secret-OPENAI_ADMIN_KEY')
        return {
          status: 401,
          body: {
            error: { message: 'Incorrect API key', type: 'invalid_request_error', code: 'invalid_api_key' },
          },
        }
      const trouble = troubles.shift()
      if (trouble) return trouble
      if (now - state.begins >= 360_000) Object.assign(state, { begins: now, asked: 0 })
      state.asked++
      const left = Math.ceil((state.begins + 360_000 - now) / 1000)
      const reported = {
        'x-ratelimit-limit-requests': '4',
        'x-ratelimit-remaining-requests': String(Math.max(0, 4 - state.asked)),
        'x-ratelimit-reset-requests': left >= 60 ? `${Math.floor(left / 60)}m${left % 60}s` : `${left}s`,
        'x-ratelimit-remaining-tokens': '150000',
        'x-ratelimit-reset-tokens': '6m0s',
      }
      if (state.asked > 4) {
        state.refused++
        return {
          status: 429,
          headers: reported,
          body: {
            error: {
              message: 'Rate limit reached',
              type: 'requests',
              param: null,
              code: 'rate_limit_exceeded',
            },
          },
        }
      }
      expect(url.searchParams.getAll('group_by')).toEqual(['project_id', 'model'])
      expect(url.searchParams.get('bucket_width')).toBe('1d')
      const limit = Number(url.searchParams.get('limit'))
      expect(limit).toBeLessThanOrEqual(31)
      const page = url.searchParams.get('page')
      const asked = Math.floor(Number(url.searchParams.get('start_time')) / day) * day
      const from = page === null ? asked : Number(page.replace('page_', ''))
      const starts = Array.from({ length: limit }, (_, index) => from + index * day).filter(
        (at) => at * 1000 <= now,
      )
      const next = from + limit * day
      const hasMore = next * 1000 <= now
      return {
        headers: reported,
        body: {
          object: 'page',
          data: starts.map((start_time) => ({
            object: 'bucket',
            start_time,
            end_time: start_time + day,
            results: idle.has(start_time)
              ? []
              : models.map((model) => ({
                  object: 'organization.usage.completions.result',
                  input_tokens: used(start_time, model),
                  project_id: 'proj_1',
                  model,
                })),
          })),
          has_more: hasMore,
          next_page: hasMore ? `page_${next}` : null,
        },
      }
    }
    return { server, state, troubles }
  }

  const begins = Date.UTC(2025, 0, 1) / 1000

  test('buckets become rows, the recent ones are read again, and lengths such as 6m0s are heeded', async () => {
    let growth = 0
    const idle = new Set([begins + 3 * day])
    const { server, state } = openai((start, model) => (start % 1000) + model.length + growth, idle)
    const { run, rows, requests, clock } = apiWorld('OpenAI', server)
    const first = Math.floor(clock.now() / 1000)
    await run()
    const days = Math.floor((first - begins) / day) + 1
    expect(rows('openai_completions')).toHaveLength((days - 1) * 2)
    expect(requests).toHaveLength(Math.ceil(days / 31))
    expect(state.refused).toBe(0)

    await clock.advance(2 * day * 1000)
    growth = 7
    await run()
    expect(rows('openai_completions')).toHaveLength((days + 1) * 2)
    expect(requests).toHaveLength(Math.ceil(days / 31) + 1)
    const mark = begins + (days - 1) * day
    const tokens = (start: number) =>
      rows('openai_completions')
        .filter((row) => Number(row['start_time']) === start)
        .map((row) => Number(row['input_tokens']))
        .toSorted()
    const now = (start: number, more: number) =>
      models.map((model) => (start % 1000) + model.length + more).toSorted()
    // Three days before the mark are read again, those before them stay.
    expect(tokens(mark - 3 * day)).toEqual(now(mark - 3 * day, 7))
    expect(tokens(mark - 4 * day)).toEqual(now(mark - 4 * day, 0))
    expect(tokens(mark + 2 * day)).toEqual(now(mark + 2 * day, 7))
  })

  test('without credit the stream stops at once, though that is a 429', async () => {
    const { server, troubles } = openai(() => 1)
    const { run, requests } = apiWorld('OpenAI', server)
    const message = 'You exceeded your current quota, please check your plan and billing details.'
    troubles.push({
      status: 429,
      headers: { 'x-ratelimit-reset-requests': '1s', 'x-ratelimit-remaining-requests': '3' },
      body: { error: { message, type: 'insufficient_quota', param: null, code: 'insufficient_quota' } },
    })
    await expect(run()).rejects.toThrow(message)
    expect(requests).toHaveLength(1)
  })
})
