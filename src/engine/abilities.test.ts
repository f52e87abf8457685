import { expect, test } from 'vitest'
import type { DestinationCapabilities } from '../ports/destination.ts'
import type { Stream } from '../ports/source.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { refuseInabilities } from './abilities.ts'
import { listStream } from './testing/list-stream.ts'

const all: DestinationCapabilities = {
  transactionalDdl: true,
  merge: true,
  history: true,
  revert: true,
  readBack: true,
}

function check(capabilities: Partial<DestinationCapabilities>, ...changes: Partial<Stream>[]): void {
  const streams = changes.map((change) => ({ ...listStream({ slices: {} }), ...change }))
  refuseInabilities(streams, {
    ...memoryDestination(),
    description: 'files lake',
    capabilities: { ...all, ...capabilities },
  })
}

const toAppend =
  'rows that are found by their key, and files lake only adds rows or swaps whole tables in: write `append` or `replace`, or choose another destination'

test('a destination that can do all takes every way of writing', () => {
  for (const write of ['append', 'merge', 'replace', 'history', 'delete', 'reconcile'] as const)
    check({}, { write })
})

test.each([
  [{ write: 'merge' }, `\`write: merge\` takes ${toAppend}`],
  [{ write: 'delete' }, `\`write: delete\` takes ${toAppend}`],
  [{ write: 'reconcile' }, `\`write: reconcile\` takes ${toAppend}`],
  [{ write: 'append', tombstones: true }, `its records may say that a row is gone, which takes ${toAppend}`],
  [
    { write: 'append', sides: [{ table: 'users', key: ['id'], write: 'merge' }] },
    `its list in users is merged, which takes ${toAppend}`,
  ],
] satisfies [Partial<Stream>, string][])(
  'one that finds no rows refuses %j, and says what to write',
  (change, message) => {
    expect(() => check({ merge: false }, change)).toThrow(`desk.tickets: ${message}`)
  },
)

test('one that finds no rows takes what is added, and whole tables', () => {
  check({ merge: false }, { write: 'append' }, { write: 'replace' })
})

test('one that keeps no history refuses it', () => {
  expect(() => check({ history: false }, { write: 'history' })).toThrow(
    'desk.tickets: files lake keeps no history of records. Let the stream `append` each version that it reads, or choose another destination',
  )
})

test('all streams that it can not take are told at once', () => {
  expect(() =>
    check({ merge: false, history: false }, { write: 'merge' }, { name: 'desk.users', write: 'history' }),
  ).toThrow(/^desk\.tickets: .*\n {2}also desk\.users: files lake keeps no history/)
})
