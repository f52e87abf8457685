import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runStream } from '../../engine/stream-run.ts'
import type { HttpRequest, HttpResponse } from '../../ports/runtime.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { memoryDestination } from '../../testing/memory-destination.ts'
import { type ScriptedReply, scriptedTransport } from '../../testing/scripted-transport.ts'
import { Crash, runOnce, Warehouse } from '../testing/scripted-client.ts'
import {
  created,
  exportStream,
  page,
  type StreamInput,
  start,
  status,
  streamOver,
  windows,
} from './scripted-jobs.ts'

/** An API with jobs, that remembers what it was asked, and by which key. */
function jobServer(recordsPerJob: number, polls: number) {
  const jobs: { from: string; looks: number }[] = []
  const byKey = new Map<string, number>()
  const reply = (body: unknown, code = 200): ScriptedReply => ({ status: code, body })
  return {
    jobs,
    handle({ method, url, headers, body }: HttpRequest): ScriptedReply {
      const { pathname, searchParams } = new URL(url)
      if (method === 'POST') {
        const key = headers['idempotency-key']
        const known = key === undefined ? undefined : byKey.get(key)
        if (known !== undefined) return reply({ id: known })
        const id = jobs.push({ from: JSON.parse(String(body)).from, looks: 0 }) - 1
        if (key !== undefined) byKey.set(key, id)
        return reply({ id })
      }
      const [, , id, results] = pathname.split('/')
      const job = jobs[Number(id)]
      if (job === undefined) return reply({}, 404)
      if (results === undefined) return reply({ status: ++job.looks > polls ? 'ready' : 'pending' })
      const from = Number(searchParams.get('cursor') ?? 0)
      const next = from + 2 < recordsPerJob ? String(from + 2) : null
      const items = Array.from({ length: Math.min(2, recordsPerJob - from) }, (_, index) => ({
        id: `${job.from}/${from + index}`,
      }))
      return reply({ items, next })
    },
  }
}

test('C4: interrupted at any point, as often as it likes, each window is read whole, and has one job unless its creation was lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ after: fc.nat(14), at: fc.constantFrom('before', 'lost', 'commit', 'committed') }),
        { maxLength: 6 },
      ),
      fc.nat(5),
      fc.nat(3),
      fc.boolean(),
      async (crashes, recordsPerJob, polls, idempotencyKey) => {
        const server = jobServer(recordsPerJob, polls)
        // Time stands still, so that no further window begins.
        const clock = { now: () => start, sleep: async () => {} }
        const warehouse = new Warehouse()
        const runs = [...crashes, undefined]
        let lost = 0
        for (const crash of runs) {
          let step = 0
          const dies = (at: string) => crash?.at === at && step++ === crash.after
          const stream = streamOver(
            {
              clock,
              random: () => 0.5,
              transport: async (request): Promise<HttpResponse> => {
                if (dies('before')) throw new Crash('before it was sent')
                const answer = scriptedTransport([server.handle(request)])
                if (dies('lost')) {
                  if (request.method === 'POST') lost++
                  throw new Crash('before the answer was heard')
                }
                return answer(request)
              },
            },
            {
              ...exportStream,
              slices: windows,
              job: { ...exportStream.job, create: { ...exportStream.job.create, idempotencyKey } },
            } as StreamInput,
          )
          const commit = warehouse.commit.bind(warehouse)
          const dying: Pick<Warehouse, 'commit'> = {
            commit(ofStream, slice, each) {
              // A job that was created, and is not committed yet.
              const { position } = each.progress ?? {}
              const isNew = JSON.stringify(position ?? null).includes('"id":') && each.commitNow === true
              if (dies('commit')) {
                if (isNew) lost++
                throw new Crash('before the commit')
              }
              commit(ofStream, slice, each)
              if (dies('committed')) throw new Crash('after the commit')
            },
          }
          const target = Object.assign(Object.create(warehouse), dying) as Warehouse
          await runOnce(stream, target).catch((error: unknown) => {
            if (!(error instanceof Crash)) throw error
          })
        }
        expect(warehouse.rows.size).toBe(3 * recordsPerJob)
        if (idempotencyKey) expect(server.jobs).toHaveLength(3)
        else expect(server.jobs.length).toBe(3 + lost)
        for (const { position } of warehouse.progress.values()) expect(position).toBeNull()
      },
    ),
    { numRuns: 300 },
  )
})

test('C4: in a run, the job is in the destination before it is waited for', async () => {
  const destination = memoryDestination()
  const clock = fakeClock({ start, auto: true })
  const run = async (replies: readonly ScriptedReply[]) => {
    const transport = scriptedTransport(replies)
    await using session = await destination.open('p')
    const outcome = await runStream(
      streamOver({ clock, transport, random: () => 0.5 }, exportStream as StreamInput),
      {
        session,
        runId: `r${transport.requests.length + destination.loads('p').length}`,
        clock,
        onEvent() {},
        batch: { maxRecords: 1000, maxBytes: 1e9, maxAgeMs: 1e9 },
        scope: {},
        fullRefresh: false,
        signal: new AbortController().signal,
      },
    )
    return [outcome.outcome, transport.requests.map(({ method }) => method).join(' ')]
  }
  expect(await run([created, status('pending'), new Crash('killed')])).toEqual(['failed', 'POST GET GET'])
  expect(await run([status('ready'), page(1, 'b'), page(2)])).toEqual(['done', 'GET GET GET'])
  expect(destination.rows('api_items').map(({ id }) => id)).toEqual([1, 2])
  clock.stop()
})
