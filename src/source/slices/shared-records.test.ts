import { describe, expect, test } from 'vitest'
import type { SluiceEvent } from '../../ports/events.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { runOnce, streamsOf, Warehouse } from '../testing/scripted-client.ts'
import { api, type StreamInput } from './scripted-parents.ts'

const both = { id: 100, name: 'both' }
const lists = {
  teams: [{ id: 1 }, { id: 2 }, { id: 3 }],
  'teams/1/members': [both, { id: 201 }],
  'teams/2/members': [both, { id: 202 }],
  'teams/3/members': [both, { id: 203 }],
}

async function run(members: Partial<StreamInput>, given: Parameters<typeof api>[0] = lists) {
  const events: SluiceEvent[] = []
  const list = { records: 'items', paginate: { type: 'cursor', token: 'next', param: 'cursor' } } as const
  const { members: stream } = streamsOf(
    'hub',
    {
      teams: { path: 'teams', ...list, key: 'id' },
      members: {
        path: 'teams/{parent.id}/members',
        ...list,
        key: 'id',
        slices: { by: 'parent', stream: 'teams', fields: { team: 'id' } },
        ...members,
      },
    },
    api(given),
    fakeClock(),
    (event) => events.push(event),
  )
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  return {
    rows: warehouse.rows.size,
    warnings: events.flatMap((event) => (event.type === 'stream.warning' ? [event.message] : [])),
  }
}

describe('a record of several parents', () => {
  test('that differ in what they give it is warned of once, with the key to write', async () => {
    expect(await run({})).toEqual({
      rows: 4,
      warnings: [
        'a record came in several slices, with another `team` of hub.teams each time: there is one row for each `id`, which keeps the `team` that was read last. If such a record belongs to all of them, write `key: [id, team]`',
      ],
    })
  })

  test('has a row for each where the carried field is in the key, and there is nothing to warn of', async () => {
    expect(await run({ key: ['id', 'team'] })).toEqual({ rows: 6, warnings: [] })
  })

  test('is told by a key of several fields, too', async () => {
    const { warnings } = await run({ key: ['id', 'name'] })
    expect(warnings).toEqual([expect.stringContaining('write `key: [id, name, team]`')])
  })

  test.each<[string, Partial<StreamInput>]>([
    ['nothing is carried', { slices: { by: 'parent', stream: 'teams' } }],
    ['every row is appended', { write: 'append' }],
  ])('is nothing to warn of where %s', async (_, members) => {
    expect((await run(members)).warnings).toEqual([])
  })

  test('is nothing to warn of where each parent gives it the same', async () => {
    const same = { ...lists, teams: lists.teams.map(({ id }) => ({ id, org: 'one' })) }
    const slices = { by: 'parent', stream: 'teams', fields: ['org'] } as const
    expect((await run({ slices: { ...slices, fields: ['org'] } }, same)).warnings).toEqual([])
  })
})
