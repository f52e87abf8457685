import { expect, test } from 'vitest'
import {
  CheckpointConflictError,
  DestinationBusyError,
  DestinationError,
  EmptyReplaceError,
  RemovalLimitError,
} from './errors.ts'

test('a checkpoint conflict says which slice, both versions and what to do (C2)', () => {
  const error = new CheckpointConflictError('desk.tickets', 'all', 3, 4)
  expect([error.code, error.recovery, error.expected, error.found]).toEqual([
    'CHECKPOINT_CONFLICT',
    'stop-stream',
    3,
    4,
  ])
  expect(error.message).toContain(
    'desk.tickets, slice "all": the checkpoint is at version 4, this commit started from 3.',
  )
  expect(error.message).toContain('run again once the other one has ended')
})

test('a refused empty replacement says how many rows were kept and which option allows it (R6)', () => {
  const error = new EmptyReplaceError('desk.users', 'users', 12)
  expect([error.code, error.recovery, error.rows]).toEqual(['REPLACE_EMPTY', 'stop-stream', 12])
  expect(error.message).toBe(
    'desk.users: the API returned no record, and table users holds 12. The table was left as it is; ' +
      'set allowEmptyReplace: true on the stream if an empty result is meant',
  )
})

test('a refused reconciliation says how many rows it would remove, which share that is, and what to do (R6)', () => {
  const error = new RemovalLimitError('desk.ids', 'desk_tickets', { removed: 334, rows: 1000 }, 20)
  expect([error.code, error.recovery, error.removed, error.rows]).toEqual([
    'REMOVAL_LIMIT',
    'stop-stream',
    334,
    1000,
  ])
  expect(error.message).toBe(
    'desk.ids: the list does not name 334 of the 1000 rows of desk_tickets, and so would remove 33.4% of them; ' +
      'maxRemoved allows 20%. Nothing was removed. See whether the list is whole: the next run reads it anew; ' +
      'if so many rows are gone at the API, set maxRemoved: "34%" on the stream for that run',
  )
})

test('a destination that is held, or that fails, is named with its problem and keeps the cause', () => {
  const cause = new Error('lock')
  const busy = new DestinationBusyError('duckdb warehouse.duckdb', 'process 42 has it open', { cause })
  expect(busy.message).toBe(
    'duckdb warehouse.duckdb is held by another process: process 42 has it open. Wait until it has ended, then run again',
  )
  expect([busy.code, busy.recovery, busy.cause]).toEqual(['DESTINATION_BUSY', 'stop-run', cause])
  const failed = new DestinationError('duckdb warehouse.duckdb', 'no space left on device', { cause })
  expect(failed.message).toBe('duckdb warehouse.duckdb: no space left on device')
  expect([failed.code, failed.recovery, failed.cause]).toEqual(['DESTINATION_FAILED', 'stop-run', cause])
})
