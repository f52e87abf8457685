import { expect, test } from 'vitest'
import type { SluiceEvent } from '../../ports/events.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { type Answer, runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'

async function read(answer: Answer) {
  const events: SluiceEvent[] = []
  const { items } = streamsOf(
    'api',
    { items: { path: 'items', records: 'data', key: 'id', paginate: { type: 'auto' } } },
    scriptedClient(() => answer),
    fakeClock(),
    (event) => events.push(event),
  )
  const failure = await runOnce(items, new Warehouse()).then(
    () => undefined,
    (error: Error) => error.message,
  )
  return { failure, told: events.filter(({ type }) => type === 'pagination.detected').length }
}

test('what was found is told once; where the list can not be followed the error alone says so', async () => {
  expect(await read({ body: { data: [{ id: 1 }], next: null } })).toEqual({ failure: undefined, told: 1 })
  const { failure, told } = await read({ body: { data: [{ id: 1 }, { id: 2 }], total: 50 } })
  expect(failure).toContain("can't tell how this list goes on: total counts 50 records")
  expect(told).toBe(0)
})
