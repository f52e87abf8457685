import { describe, expect, test } from 'vitest'
import { planPipeline } from '../../engine/plan.ts'
import { previewStream } from '../../engine/preview.ts'
import { memoryDestination } from '../../testing/memory-destination.ts'
import { Crash, runOnce, scriptedClient, streamsOf, Warehouse } from '../testing/scripted-client.ts'
import { api, asked, issues, projects, twoProjects } from './scripted-parents.ts'

const signal = new AbortController().signal

describe('children of a parent stream', () => {
  // PEERS: dlt test_offline #3772
  // PEERS: airbyte#40734
  // PEERS: Airbyte SubstreamPartitionRouter
  // PEERS: Airbyte HttpComponentsResolver
  test('each parent of every page is a slice with a checkpoint of its own, and all pages of its children are read', async () => {
    const client = api(twoProjects)
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    const warehouse = new Warehouse()
    expect(await runOnce(stream, warehouse)).toEqual(['id=1', 'id=2', 'id=3', '(pass)'])
    expect([...warehouse.rows.keys()]).toEqual(['11', '12', '13', '31'])
    expect([...warehouse.progress]).toEqual([
      ['id=1', { position: null, highWater: 'pass 1' }],
      ['id=2', { position: null, highWater: 'pass 1' }],
      ['id=3', { position: null, highWater: 'pass 1' }],
      ['(pass)', { position: null, highWater: 'pass 1' }],
    ])
  })

  // PEERS: dlt #1883
  test('the next page of parents is asked for when the children of the first one are read', async () => {
    const client = api({ ...twoProjects, projects: [1, 2, 3, 4, 5, 6, 7].map((id) => ({ id })) })
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    for await (const slice of stream.slices(new Map(), {})) {
      if (slice.key === 'id=1') break
    }
    // The page that is read, and the one ahead of it.
    expect(asked(client).length).toBeLessThanOrEqual(2)
  })

  test('C4: a run that was cut short goes on where it was: parents that were read are not read again in it', async () => {
    for (let crashAfterPages = 1; crashAfterPages <= 4; crashAfterPages++) {
      const client = api(twoProjects)
      const { issues: stream } = streamsOf('desk', { issues, projects }, client)
      const warehouse = new Warehouse()
      await expect(runOnce(stream, warehouse, { crashAfterPages })).rejects.toThrow(Crash)
      await runOnce(stream, warehouse)
      const children = warehouse.pages.filter(({ records }) => records.length > 0)
      expect(children).toHaveLength(3)
      expect([...warehouse.rows.keys()]).toEqual(['11', '12', '13', '31'])
      // The run that is through is followed by one that reads all again.
      await runOnce(stream, warehouse)
      expect(warehouse.received).toBe(8)
      expect(warehouse.progress.get('(pass)')).toEqual({ position: null, highWater: 'pass 2' })
    }
  })

  test('a parent that is new in a run that goes on is read, too', async () => {
    const lists = { ...twoProjects }
    const client = api(lists)
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    const warehouse = new Warehouse()
    await expect(runOnce(stream, warehouse, { crashAfterPages: 3 })).rejects.toThrow(Crash)
    lists.projects = [{ id: 4 }, ...twoProjects['projects']!]
    lists['projects/4/issues'] = [{ id: 41 }]
    expect(await runOnce(stream, warehouse)).toEqual(['id=4', 'id=3', '(pass)'])
  })

  test('a parent that comes twice in the list is read once in a run', async () => {
    const client = api({ ...twoProjects, projects: [{ id: 1 }, { id: 2 }, { id: 1 }] })
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    expect(await runOnce(stream, new Warehouse())).toEqual(['id=1', 'id=2', '(pass)'])
  })

  test('`where` leaves parents out, and does not end their list', async () => {
    const client = api({
      ...twoProjects,
      projects: [
        { id: 1, archived: true },
        { id: 2, archived: true },
        { id: 3, archived: false },
      ],
    })
    const where = '@.archived == false'
    const { issues: stream } = streamsOf(
      'desk',
      { issues: { ...issues, slices: { by: 'parent', stream: 'projects', where } }, projects },
      client,
    )
    expect(await runOnce(stream, new Warehouse())).toEqual(['id=3', '(pass)'])
  })

  // PEERS: Airbyte ParentStreamConfig
  test('the parent’s incremental is not applied: a parent that has not changed has children that have', async () => {
    const lists = { ...twoProjects, projects: [{ id: 1, changed: '2024-01-01T00:00:00Z' }] }
    const client = api(lists)
    const byTime = { by: 'time', field: 'changed', param: 'since', start: '2025-01-01' } as const
    const { issues: stream, projects: parent } = streamsOf(
      'desk',
      { issues, projects: { ...projects, incremental: byTime } },
      client,
    )
    expect(await runOnce(stream, new Warehouse())).toEqual(['id=1', '(pass)'])
    const own = new Warehouse()
    await runOnce(parent, own)
    expect(own.received).toBe(0)
  })

  // PEERS: meltano/sdk#3631
  test('state holds one row for each parent, however many records and runs there are', async () => {
    const client = api(twoProjects)
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    const warehouse = new Warehouse()
    for (let run = 0; run < 3; run++) await runOnce(stream, warehouse)
    expect(warehouse.progress.size).toBe(4)
  })

  test('a value from a parent is encoded in the path and in the slice’s key', async () => {
    const client = scriptedClient(({ url }) => ({
      body: { items: url === 'projects' ? [{ id: 'a/b c' }] : [{ id: url }] },
    }))
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    expect(await runOnce(stream, new Warehouse())).toEqual(['id=a%2Fb c', '(pass)'])
    expect(client.requests[1]!.url).toBe('projects/a%2Fb%20c/issues')
  })

  test('R4: an id of more digits than a number holds is asked for with all of them', async () => {
    const client = scriptedClient(({ url }) => ({
      body: url === 'projects' ? '{"items":[{"id":9007199254740993}]}' : { items: [{ id: 1 }] },
    }))
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    expect(await runOnce(stream, new Warehouse())).toEqual(['id=9007199254740993', '(pass)'])
    expect(client.requests[1]!.url).toBe('projects/9007199254740993/issues')
  })

  test('a source without parents reads nothing, and says that it is through', async () => {
    const client = api({ projects: [] })
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    expect(await runOnce(stream, new Warehouse())).toEqual(['(pass)'])
  })

  test('what stops the parent’s list stops the stream, and what was read before stays', async () => {
    const client = scriptedClient(({ url, query }) => {
      if (url === 'projects' && query['cursor'] === '2') return new Error('the parents are gone')
      if (url === 'projects') return { body: { items: [{ id: 1 }, { id: 2 }], next: '2' } }
      return { body: { items: [{ id: url }], next: null } }
    })
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    const warehouse = new Warehouse()
    await expect(runOnce(stream, warehouse)).rejects.toThrow('the parents are gone')
    expect([...warehouse.progress.keys()]).toEqual(['id=1', 'id=2'])
  })

  test('a signal stops the request for parents that is under way', async () => {
    const stop = new AbortController()
    const client = scriptedClient(() => {
      stop.abort(new Error('asked to stop'))
      return { body: { items: [] } }
    })
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    const slices = (async () => {
      for await (const _ of stream.slices(new Map(), {}, stop.signal)) break
    })()
    await expect(slices).rejects.toThrow('asked to stop')
  })
})

describe('what asks no more of the API than it has to', () => {
  const parts = (client: ReturnType<typeof api>) => {
    const streams = streamsOf('desk', { issues, projects }, client)
    const source = {
      name: 'desk',
      streams: Object.values(streams),
      check: async () => {},
      [Symbol.asyncDispose]: async () => {},
    }
    return {
      name: 'p',
      sources: [source],
      destination: memoryDestination(),
      batch: { maxRecords: 10, maxBytes: 1e6, maxAgeMs: 1e6 },
      concurrentStreams: 1,
    }
  }

  test('a plan asks for no parent, and says in words what the slices are', async () => {
    const client = api(twoProjects)
    const [planned] = await planPipeline(parts(client), { only: ['desk.issues'] })
    expect(planned).toMatchObject({
      slicing: 'one slice for each record of desk.projects',
      slices: [],
      moreSlices: 0,
    })
    expect(client.requests).toEqual([])
  })

  test('a preview reads the first parents until there are enough records', async () => {
    const client = api({
      ...twoProjects,
      projects: Array.from({ length: 100 }, (_, index) => ({ id: index + 1 })),
    })
    const { issues: stream } = streamsOf('desk', { issues, projects }, client)
    const preview = await previewStream(stream, 2, signal)
    expect(preview.records).toEqual([{ id: 11 }, { id: 12 }])
    expect(preview.slices).toEqual({ read: 1, all: null })
    expect(asked(client).filter((url) => url.startsWith('projects/'))).toEqual([
      'projects/1/issues',
      'projects/1/issues#2',
    ])
  })

  test('a preview of a stream whose parents are none says so', async () => {
    const { issues: stream } = streamsOf('desk', { issues, projects }, api({ projects: [] }))
    await expect(previewStream(stream, 2, signal)).rejects.toThrow(
      'desk.issues: there is no slice to look at: it has one slice for each record of desk.projects',
    )
  })

  test('a probe asks for the first parent and its first children', async () => {
    const client = api(twoProjects)
    const streams = streamsOf('desk', { issues, projects }, client)
    await (streams.issues as unknown as { probe(signal: AbortSignal): Promise<void> }).probe(signal)
    expect(asked(client).filter((url) => !url.includes('#'))).toEqual(['projects', 'projects/1/issues'])
  })
})
