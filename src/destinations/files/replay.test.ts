import { afterEach, beforeEach, expect, test } from 'vitest'
import { AT, makeLoad } from '../conformance/harness.ts'
import { filesAt, liveRows, temporaryFolder } from './test-files.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder.remove())
const destination = () => filesAt(folder.path, { format: 'jsonl', compression: 'none' })

test('C3: a load that comes again after it was taken out is refused, by this session and by one that does not know yet', async () => {
  await using session = await destination().open('conformance')
  const load = await makeLoad(session, [{ id: 1 }])
  await session.commit(load)
  await using stale = await destination().open('conformance')
  await session.revert!(load.id, { at: AT })
  for (const one of [session, stale])
    await expect(one.commit(load)).rejects.toMatchObject({
      code: 'LOAD_REVERT',
      loadId: load.id,
      message:
        `load ${load.id} can't be committed again: it was taken out again at 2026-01-31T00:00:00.000Z. ` +
        'Run again: the run starts from the checkpoint, and loads anew what is missing. Nothing was written',
    })
  expect(await liveRows(destination(), 'tickets')).toEqual([])
  await using next = await destination().open('conformance')
  await next.commit(await makeLoad(next, [{ id: 1 }]))
  expect(await liveRows(destination(), 'tickets')).toMatchObject([{ id: 1 }])
})

test('C3: a load that another session has committed since is known, though its checkpoint has moved', async () => {
  await using stale = await destination().open('conformance')
  await using session = await destination().open('conformance')
  const load = await makeLoad(session, [{ id: 1 }])
  await session.commit(load)
  expect(await stale.commit(load)).toMatchObject({ replayed: true, inserted: 1 })
  expect(await liveRows(destination(), 'tickets')).toHaveLength(1)
})
