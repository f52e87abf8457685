import { describe, expect, test } from 'vitest'
import { type ApiServer, apiWorld } from './harness.ts'

describe('Airtable', () => {
  interface Task {
    readonly id: string
    /** Milliseconds since 1970. */
    readonly at: number
    readonly name: string
    /** Absent where it is empty. */
    readonly owner?: string
  }

  interface Base {
    readonly tasks: Task[]
    /** Iterators that have been forgotten: the next request of each is refused once. */
    forget: boolean
    /** How many requests within a second are one too many. Default 6. */
    readonly most?: number
  }

  /** 5 requests a second, and 30 seconds of nothing but refusals after one too many; iterators that expire. */
  function airtable(base: Base): ApiServer {
    const times: number[] = []
    let shutUntil = 0
    return ({ url, headers, now }) => {
      if (headers['authorization'] !== 'Bearer secret-AIRTABLE_TOKEN')
        return { status: 401, body: { error: { type: 'AUTHENTICATION_REQUIRED', message: 'no' } } }
      times.push(now)
      const tooMany = times.filter((at) => at > now - 1000).length >= (base.most ?? 6)
      if (tooMany && now >= shutUntil) shutUntil = now + 30_000
      if (now < shutUntil) return { status: 429, body: { errors: [{ error: 'RATE_LIMIT_REACHED' }] } }
      expect(url.pathname).toBe('/v0/appExampleBase01/Tasks')
      const offset = url.searchParams.get('offset')
      if (offset !== null && base.forget) {
        base.forget = false
        return { status: 422, body: { error: 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE' } }
      }
      const formula = url.searchParams.get('filterByFormula')
      const since = formula === null ? 0 : Date.parse(/LAST_MODIFIED_TIME\(\), '([^']+)'/.exec(formula)![1]!)
      const found = base.tasks.filter(({ at }) => at >= since)
      const at = Number(offset?.split('/')[1] ?? 0)
      const page = found.slice(at, at + Number(url.searchParams.get('pageSize')))
      const end = at + page.length
      return {
        body: {
          records: page.map(({ id, at: modified, name, owner }) => ({
            id,
            createdTime: '2026-01-01T00:00:00.000Z',
            fields: {
              Modified: new Date(modified).toISOString(),
              Name: name,
              ...(owner && { Owner: owner }),
            },
          })),
          ...(end < found.length && { offset: `itr${now}/${end}` }),
        },
      }
    }
  }

  const start = Date.parse('2026-02-01T00:00:00Z')
  const tasksOf = (length: number): Task[] =>
    Array.from({ length }, (_, index) => ({
      id: `rec${String(index).padStart(6, '0')}`,
      at: start + index * 1000,
      name: 'first',
      ...(index % 2 === 0 && { owner: 'Ann' }),
    }))

  test('is read whole, then what changed; an empty field becomes null, and what was deleted is removed; nothing is refused', async () => {
    const base: Base = { tasks: tasksOf(1250), forget: false }
    const { run, rows, clock, events } = apiWorld('Airtable', airtable(base))
    await run()
    expect(rows('base_tasks')).toHaveLength(1250)
    await clock.advance(60_000)
    // The owner is taken away: the field is left out.
    base.tasks[4] = { id: base.tasks[4]!.id, at: clock.now(), name: 'changed' }
    base.tasks.splice(20, 1)
    await clock.advance(60_000)
    await run()
    expect(rows('base_tasks')).toHaveLength(1249)
    expect(rows('base_tasks').find(({ id }) => id === 'rec000004')).toMatchObject({
      Name: 'changed',
      Owner: null,
    })
    expect(events.filter((event) => event.type === 'request.retry')).toEqual([])
  })

  test('a list whose iterator has expired is read from its beginning, and every record is there once', async () => {
    const base: Base = { tasks: tasksOf(450), forget: true }
    const { run, rows, events } = apiWorld('Airtable', airtable(base))
    await run({ only: ['base.tasks'] })
    expect(rows('base_tasks')).toHaveLength(450)
    expect(events.filter((event) => event.type === 'position.expired')).toHaveLength(1)
  })

  test('a refusal is waited for half a minute, since whoever comes before is refused again', async () => {
    const base: Base = { tasks: tasksOf(450), forget: false, most: 4 }
    const { run, rows, requests, events } = apiWorld('Airtable', airtable(base))
    await run({ only: ['base.tasks'] })
    expect(rows('base_tasks')).toHaveLength(450)
    const waits = events.filter((event) => event.type === 'request.retry')
    expect(waits.length).toBeGreaterThan(0)
    const paused = events
      .filter((event) => event.type === 'quota.wait')
      .filter(({ delayMs }) => delayMs > 29_000)
    expect(paused).toHaveLength(waits.length)
    expect(requests.length).toBe(5 + waits.length)
  })
})
