import { expect, test } from 'vitest'
import type { WriteMode } from '../ports/source.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { planPipeline } from './plan.ts'
import { runPipeline } from './run.ts'
import { listStream, records } from './testing/list-stream.ts'

const limited = () => {
  const inner = memoryDestination()
  return {
    ...inner,
    kind: 'files',
    description: 'files lake',
    capabilities: { ...inner.capabilities, merge: false },
  }
}

function pipeline(write: WriteMode, options: { key?: readonly string[]; tombstones?: boolean } = {}) {
  const stream = listStream({ write, key: ['id'], slices: { all: [records(1, 3)] }, ...options })
  const destination = limited()
  return {
    destination,
    stream,
    parts: {
      name: 'lake',
      sources: [{ name: 'desk', streams: [stream], check: async () => {}, async [Symbol.asyncDispose]() {} }],
      destination,
      batch: { maxRecords: 100, maxBytes: 1_000_000, maxAgeMs: 1000 },
      concurrentStreams: 1,
    },
  }
}

async function refusal(write: WriteMode, options?: { key?: readonly string[]; tombstones?: boolean }) {
  const { parts, stream } = pipeline(write, options)
  const [planned] = await planPipeline(parts)
  const running = runPipeline(parts, {
    runId: 'run-1',
    clock: fakeClock({ auto: true }),
    onEvent: () => {},
    signal: new AbortController().signal,
  })
  const error = await running.then(
    () => undefined,
    (reason: Error) => reason,
  )
  expect(error?.message).toBe(planned?.refused ?? undefined)
  if (error !== undefined) expect(stream.scopes).toEqual([])
  return error?.message
}

test('what a destination can write is not refused', async () => {
  expect(await refusal('append')).toBeUndefined()
  expect(await refusal('replace')).toBeUndefined()
  expect(await refusal('merge', { key: [] })).toBeUndefined()
})

test('a stream that changes rows is refused at plan and run, before anything is read, with what to write instead', async () => {
  expect(await refusal('merge')).toBe(
    "desk.tickets: files lake can't change rows that are there (`write: merge`): set `write: append`, which with a `key` shows the record of each key that came first, " +
      'or `write: replace`, which reads the whole list each time',
  )
})

test('streams that remove rows are refused', async () => {
  expect(await refusal('delete')).toBe(
    "desk.tickets: files lake can't remove rows that are there (`write: delete`): leave this stream out, and set `write: replace` on the one that loads the table",
  )
  expect(await refusal('reconcile')).toContain("can't remove rows that are there (`write: reconcile`)")
  expect(await refusal('replace', { tombstones: true })).toBe(
    "desk.tickets: files lake can't remove rows, and records of this stream may say that one is gone: leave out what marks them, and keep the mark as a column",
  )
})

test('a stream that keeps history is refused', async () => {
  expect(await refusal('history')).toBe(
    'desk.tickets: files lake keeps no versions with their validity (`write: history`): set `write: append` without a `key`, which keeps whatever is read',
  )
})
