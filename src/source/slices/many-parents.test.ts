import { expect, test } from 'vitest'
import { runStream } from '../../engine/stream-run.ts'
import { InterruptedError } from '../../errors.ts'
import type { Client } from '../../http/client.ts'
import { parseOptions } from '../../options/parse-options.ts'
import { cursor } from '../../pagination/cursor.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { memoryDestination } from '../../testing/memory-destination.ts'
import { createRestSource } from '../rest.ts'
import { restOptions } from '../rest-options.ts'

const parents = 100_000
const pageSize = 1000

/** 100,000 projects in pages of 1,000, each with one issue. It counts, and keeps nothing. */
function countingClient() {
  const asked = { pages: 0, children: 0, furthestAhead: 0 }
  const client: Client = {
    resolve: ({ url }) => `https://api.test/${url}`,
    async request({ url, query }, consume, { signal } = {}) {
      signal?.throwIfAborted()
      let body: unknown
      if (url === 'projects') {
        asked.pages++
        const start = Number(query['cursor'] ?? 0)
        const items = Array.from({ length: pageSize }, (_, index) => ({
          id: start + index + 1,
          name: 'a project',
        }))
        body = { items, next: start + pageSize < parents ? String(start + pageSize) : null }
      } else {
        asked.children++
        asked.furthestAhead = Math.max(asked.furthestAhead, asked.pages * pageSize - asked.children)
        body = { items: [{ id: Number(url.split('/')[1]) }], next: null }
      }
      const text = Buffer.from(JSON.stringify(body))
      const response = {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: (async function* () {
          yield text
        })(),
        discard: async () => {},
      }
      return consume(response, `https://api.test/${url}`, () => {})
    },
    async [Symbol.asyncDispose]() {},
  }
  return { client, asked }
}

// PEERS: airbyte#26581
// PEERS: meltano/sdk#3631
// PEERS: dlt test_incremental 200-hash warning
// PEERS: airbyte#33535
// PEERS: airbyte#60813
test('100,000 parents: one checkpoint row each, few commits, parents listed as they are needed, and a run that goes on where it was', async () => {
  const { client, asked } = countingClient()
  const list = { records: 'items', paginate: cursor({ token: 'next', param: 'cursor' }), key: 'id' }
  const settings = parseOptions(restOptions, {
    type: 'rest',
    baseUrl: 'https://api.test',
    streams: {
      projects: { ...list, path: 'projects' },
      issues: {
        ...list,
        path: 'projects/{parent.id}/issues',
        slices: { by: 'parent', stream: 'projects', fields: { project_id: 'id' } },
      },
    },
  })
  const clock = fakeClock()
  const issues = createRestSource('desk', settings, { client, clock }).streams[1]!
  const destination = memoryDestination()
  await using session = await destination.open('p')
  const stop = new AbortController()
  let loads = 0
  let commitsBeforeStop = Number.POSITIVE_INFINITY
  const run = (runId: string, signal: AbortSignal) =>
    runStream(issues, {
      session,
      runId,
      clock,
      onEvent: (event) => {
        if (event.type !== 'load.commit') return
        loads++
        if (loads === commitsBeforeStop) stop.abort(new InterruptedError())
      },
      batch: { maxRecords: 20_000, maxBytes: 1e9, maxAgeMs: 1e9 },
      scope: {},
      fullRefresh: false,
      signal,
    })

  commitsBeforeStop = 2
  expect(await run('first', stop.signal)).toMatchObject({ outcome: 'interrupted' })
  const childrenOfFirst = asked.children
  expect(childrenOfFirst).toBeGreaterThanOrEqual(40_000)
  expect(childrenOfFirst).toBeLessThan(80_000)
  // The page that is being read, and the one that is asked for ahead of it: no more parents are held, however many there are.
  expect(asked.furthestAhead).toBeLessThanOrEqual(2 * pageSize)

  const never = new AbortController().signal
  expect(await run('second', never)).toMatchObject({ outcome: 'done' })
  // C4: what was interrupted was committed; at most the request under way is sent again.
  expect(asked.children).toBeLessThanOrEqual(parents + 1)
  expect(destination.rows('desk_issues')).toHaveLength(parents)
  expect(destination.rows('desk_issues')[0]).toMatchObject({ id: 1, project_id: 1 })

  // C6: a row for each slice, one for the pass, one for the stream; and a commit for each 20,000 records.
  expect(await session.readCheckpoints(issues.name)).toHaveLength(parents + 2)
  expect(loads).toBeLessThanOrEqual(8)
}, 240_000)
