import assert from 'node:assert/strict'
import { type DestinationSession, STREAM_CHECKPOINT } from '../../ports/destination.ts'
import {
  AT,
  assertRejects,
  type ConformanceCase,
  dataRows,
  makeLoad,
  nextCheckpoint,
  onSession,
  STREAM,
  TABLE,
  type WriteOptions,
} from './harness.ts'

/** A load as the engine makes it: it moves the stream's own checkpoint, and that of a slice. */
async function ownLoad(session: DestinationSession, ids: readonly number[], options: WriteOptions = {}) {
  const slices = [STREAM_CHECKPOINT, 'all']
  const checkpoints = await Promise.all(slices.map((slice) => nextCheckpoint(session, STREAM, slice)))
  const [own, all] = checkpoints as [(typeof checkpoints)[number], (typeof checkpoints)[number]]
  return makeLoad(
    session,
    ids.map((id) => ({ id })),
    { checkpoints: [{ ...own, position: null, highWater: null }, all], ...options },
  )
}

/**
 * A process commits, reads on, and sleeps; its checkpoints are forgotten meanwhile, and a new run commits as often as it had. When it
 * wakes, the versions that it knows must not be there again.
 */
function sleeperCase(
  what: string,
  forget: (session: DestinationSession, loadId: string) => Promise<unknown>,
  { commits = 1, ...options }: WriteOptions & { readonly commits?: number } = {},
): ConformanceCase {
  return onSession('C2', `C2: who slept through ${what} can't go on`, async (session, harness) => {
    let last = ''
    for (let turn = 0; turn < commits; turn++) {
      const load = await ownLoad(session, [turn], turn === 0 ? options : { ...options, begin: false })
      await session.commit(load)
      last = load.id
    }
    const going = options.begin === undefined ? {} : { staged: true }
    const late = await ownLoad(session, [98, 99], going)
    await forget(session, last)
    const left = await session.readCheckpoints(STREAM)
    for (const { position, highWater } of left.filter(({ slice }) => slice === STREAM_CHECKPOINT))
      assert.deepEqual([position, highWater], [null, null])
    for (let turn = 0; turn < commits; turn++) {
      await session.commit(
        await ownLoad(session, [turn], turn === 0 ? options : { ...options, begin: false }),
      )
      await assertRejects(session.commit(late), 'CHECKPOINT_CONFLICT')
    }
    const ids = (await dataRows(harness)).map((row) => Number(row['id']))
    assert.ok(!ids.includes(98) && !ids.includes(99), `the sleeper's rows are there: ${ids}`)
  })
}

const reset = (session: DestinationSession) => session.resetStream(STREAM, TABLE)

/** A process that sleeps, while what it goes on from is forgotten. */
export const zombieCases: readonly ConformanceCase[] = [
  sleeperCase('a reset', reset),
  sleeperCase('a reset, however often the new run has committed', reset, { commits: 3 }),
  sleeperCase('two resets', async (session) => {
    await reset(session)
    await reset(session)
  }),
  sleeperCase(
    'the end of a replacement that never was published',
    (session) => session.abandonReplacement(STREAM, TABLE),
    {
      begin: true,
    },
  ),
  sleeperCase('a reset in the middle of a replacement', reset, { begin: true, commits: 2 }),
  {
    ...sleeperCase('a revert of the load that began everything', (session, loadId) =>
      session.revert!(loadId, { at: AT }),
    ),
    needs: ['revert'],
  },
  {
    ...sleeperCase('a revert and a reset', async (session, loadId) => {
      await session.revert!(loadId, { at: AT })
      await reset(session)
    }),
    needs: ['revert'],
  },

  onSession(
    'C2',
    "C2: the stream's own checkpoint outlasts a reset alone, without progress, and is not counted among those that are forgotten",
    async (session) => {
      await session.commit(await ownLoad(session, [1]))
      assert.equal(await session.resetStream(STREAM, TABLE), 1)
      assert.equal(await session.resetStream(STREAM, TABLE), 0)
      const left = await session.readCheckpoints(STREAM)
      assert.deepEqual(
        left.map(({ slice, staged, position, highWater }) => [slice, staged, position, highWater]),
        [[STREAM_CHECKPOINT, false, null, null]],
      )
      assert.ok(left[0]!.version > 1)
    },
  ),
]
