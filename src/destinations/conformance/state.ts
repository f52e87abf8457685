import assert from 'node:assert/strict'
import {
  AT,
  add,
  assertRejects,
  type ConformanceCase,
  dataRows,
  makeLoad,
  nextCheckpoint,
  onSession,
  PIPELINE,
  STREAM,
  TABLE,
  withSession,
  write,
} from './harness.ts'

/** What is kept beside the rows, and who sees it. */
export const stateCases: readonly ConformanceCase[] = [
  {
    promise: 'state',
    name: 'state: rows, checkpoints and rejects are there after a reopen, and loading goes on',
    async run(harness) {
      const destination = await harness.open()
      const { merge: canMerge } = destination.capabilities
      await withSession(destination, (session) =>
        add(
          destination,
          session,
          [
            { id: 1, note: 'a' },
            { id: 2, note: 'b' },
          ],
          {
            rejects: [
              { id: 'r1', record: { deep: { big: 2n ** 60n } }, reason: 'key field "id" is missing' },
            ],
          },
        ),
      )
      await withSession(await harness.reopen(), async (session) => {
        assert.equal((await session.readCheckpoints(STREAM))[0]?.version, 1)
        const changed = canMerge ? [{ id: 2, note: 'B', extra: 1 }] : []
        const receipt = await add(destination, session, [...changed, { id: 3, extra: 2 }])
        assert.equal(receipt.updated, changed.length)
        assert.equal((await dataRows(harness)).length, 3)
        assert.deepEqual(
          (await harness.rejects(PIPELINE)).map(({ stream, reason }) => [stream, reason]),
          [[STREAM, 'key field "id" is missing']],
        )
        assert.match((await harness.rejects(PIPELINE))[0]?.record ?? '', /1152921504606846976/)
      })
    },
  },

  onSession(
    'state',
    'state: a reject is kept once for each stream and id, with how often it came, and first and last from where',
    async (session, harness) => {
      const reject = (id: string, note: string) => ({ id, record: { note }, reason: 'no key' })
      const first = await makeLoad(session, [], { rejects: [reject('a', 'a'), reject('b', 'b')] })
      await session.commit(first)
      const second = await makeLoad(session, [{ id: 1 }], { rejects: [reject('b', 'b'), reject('b', 'b')] })
      await session.commit(second)
      assert.equal((await session.commit(second)).replayed, true)
      const other = await makeLoad(session, [], {
        stream: 'desk.users',
        table: 'users',
        rejects: [reject('a', 'a')],
      })
      await session.commit(other)
      const found = (await harness.rejects(PIPELINE)).map(
        ({ stream, record, times, firstLoadId, lastLoadId }) =>
          [stream, JSON.parse(record).note, times, firstLoadId, lastLoadId].join(' '),
      )
      assert.deepEqual(
        found.sort(),
        [
          `${STREAM} a 1 ${first.id} ${first.id}`,
          `${STREAM} b 3 ${first.id} ${second.id}`,
          `desk.users a 1 ${other.id} ${other.id}`,
        ].sort(),
      )
    },
  ),

  onSession('state', 'state: positions and high-water marks are any JSON', async (session) => {
    const positions = [
      null,
      'cursor "x" 🦆',
      0,
      1.5,
      false,
      ['a', null, { b: [] }],
      { after: 'abc', page: 3, since: null, nested: { '': 'x' } },
    ]
    await write(session, [{ id: 1 }], {
      checkpoints: positions.map((position, index) => ({
        slice: `s${index}`,
        fromVersion: 0,
        position,
        highWater: positions[positions.length - 1 - index]!,
      })),
    })
    const found = new Map(
      (await session.readCheckpoints(STREAM)).map((checkpoint) => [checkpoint.slice, checkpoint]),
    )
    for (const [index, position] of positions.entries()) {
      assert.deepEqual(found.get(`s${index}`)?.position, position)
      assert.deepEqual(found.get(`s${index}`)?.highWater, positions[positions.length - 1 - index])
    }
  }),

  onSession('state', 'state: slices are told apart whatever they are called', async (session) => {
    const names = ['', 'all', 'ALL', "it's", '2024-01-01/2024-01-02', '🦆', 'a"b', 'x'.repeat(500)]
    await write(session, [], {
      checkpoints: await Promise.all(names.map((name) => nextCheckpoint(session, STREAM, name))),
    })
    assert.deepEqual(
      (await session.readCheckpoints(STREAM)).map(({ slice }) => slice).sort(),
      [...names].sort(),
    )
  }),

  onSession(
    'state',
    'state: checkpoints are read for one stream, or for the whole pipeline',
    async (session) => {
      await write(session, [{ id: 1 }])
      await write(session, [{ id: 1 }], { stream: 'desk.users', table: 'users' })
      assert.deepEqual(
        (await session.readCheckpoints(STREAM)).map(({ stream }) => stream),
        [STREAM],
      )
      assert.deepEqual((await session.readCheckpoints()).map(({ stream }) => stream).sort(), [
        STREAM,
        'desk.users',
      ])
      assert.deepEqual(await session.readCheckpoints('desk.none'), [])
    },
  ),

  onSession(
    'state',
    'state: resetting a stream forgets its checkpoints alone, and its rows stay',
    async (session, harness) => {
      await write(session, [{ id: 1 }], {
        checkpoints: [await nextCheckpoint(session, STREAM, 'a'), await nextCheckpoint(session, STREAM, 'b')],
      })
      await write(session, [{ id: 2 }], { stream: 'desk.users', table: 'users' })
      assert.equal(await session.resetStream(STREAM, TABLE), 2)
      assert.deepEqual(
        (await session.readCheckpoints()).map(({ stream }) => stream),
        ['desk.users'],
      )
      assert.deepEqual(await dataRows(harness), [{ id: 1 }])
      assert.equal(await session.resetStream(STREAM, TABLE), 0)
      await write(session, [{ id: 3 }])
      assert.equal((await session.readCheckpoints(STREAM))[0]?.version, 1)
    },
  ),

  onSession(
    'state',
    'state: two pipelines in one destination keep their checkpoints, loads, rejects and runs apart',
    async (session, harness, destination) => {
      const rejects = [{ id: 'r1', record: { id: null }, reason: 'mine' }]
      await write(session, [{ id: 1 }], { rejects })
      // A destination may let one pipeline in at a time.
      await session[Symbol.asyncDispose]()
      await withSession(
        destination,
        async (other) => {
          assert.deepEqual(await other.readCheckpoints(), [])
          await write(other, [{ id: 2 }], { stream: STREAM, table: 'other_tickets' })
          await other.recordRun({
            id: 'theirs',
            startedAt: AT,
            finishedAt: null,
            outcome: 'running',
            report: null,
          })
          assert.equal(await other.resetStream(STREAM, 'other_tickets'), 1)
        },
        'other',
      )
      await withSession(destination, async (again) => {
        const [checkpoint, ...others] = await again.readCheckpoints()
        assert.equal(checkpoint?.version, 1)
        assert.equal(others.length, 0)
        await write(again, [{ id: 3 }])
      })
      assert.deepEqual((await dataRows(harness)).map((row) => row['id']).sort(), [1, 3])
      assert.deepEqual(await dataRows(harness, 'other_tickets'), [{ id: 2 }])
      assert.equal((await harness.loads(PIPELINE)).length, 2)
      assert.equal((await harness.loads('other')).length, 1)
      assert.equal((await harness.rejects('other')).length, 0)
      assert.equal((await harness.runs(PIPELINE)).length, 0)
    },
  ),

  onSession(
    'state',
    'state: a run is recorded when it starts, and overwritten when it ends',
    async (session, harness) => {
      const run = { id: 'run-1', startedAt: AT, finishedAt: null, outcome: 'running', report: null } as const
      await session.recordRun(run)
      assert.deepEqual(await harness.runs(PIPELINE), [run])
      const ended = {
        ...run,
        finishedAt: AT + 1500,
        outcome: 'done',
        report: { streams: [{ name: STREAM, rows: 5 }] },
      } as const
      await session.recordRun(ended)
      await session.recordRun({ ...run, id: 'run-2' })
      const runs = [...(await harness.runs(PIPELINE))].sort((a, b) => (a.id < b.id ? -1 : 1))
      assert.deepEqual(runs, [ended, { ...run, id: 'run-2' }])
      if (session.lastRun === undefined) return
      assert.deepEqual(await session.lastRun(), ended)
      const later = { ...ended, id: 'run-0', finishedAt: AT + 2000, outcome: 'paused', report: null } as const
      await session.recordRun(later)
      assert.deepEqual(await session.lastRun(), later)
    },
  ),

  {
    promise: 'state',
    name: 'state: a read-only session reads everything and writes nothing',
    async run(harness) {
      await withSession(await harness.open(), (session) => write(session, [{ id: 1 }]))
      const destination = await harness.reopen()
      const session = await destination.open(PIPELINE, { readOnly: true })
      try {
        assert.equal((await session.readCheckpoints(STREAM)).length, 1)
        assert.equal((await session.readSchema(TABLE))?.columns.length, 1)
        await assertRejects(write(session, [{ id: 2 }]), 'DESTINATION_FAILED')
        await assert.rejects(session.resetStream(STREAM, TABLE))
      } finally {
        await session[Symbol.asyncDispose]()
      }
      await withSession(destination, async () => {
        assert.deepEqual(await dataRows(harness), [{ id: 1 }])
      })
    },
  },

  onSession('state', 'state: a closed session refuses to work, and may be closed twice', async (session) => {
    await write(session, [{ id: 1 }])
    await session[Symbol.asyncDispose]()
    await assert.rejects(session.readCheckpoints())
    await session[Symbol.asyncDispose]()
  }),
]
