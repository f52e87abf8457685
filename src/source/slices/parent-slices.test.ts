import { describe, expect, test } from 'vitest'
import { planPipeline } from '../../engine/plan.ts'
import { previewStream } from '../../engine/preview.ts'
import { cursor } from '../../pagination/cursor.ts'
import type { JsonRecord } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { memoryDestination } from '../../testing/memory-destination.ts'
import type { RestOptions } from '../rest-options.ts'
import { Crash, runOnce, scriptedClient, streamsOf, Warehouse } from '../scripted-client.ts'

type StreamInput = RestOptions['streams'][string]
type Lists = Record<string, readonly JsonRecord[]>

const pages = cursor({ token: 'next', param: 'cursor' })
const projects: StreamInput = { path: 'projects', records: 'items', paginate: pages, key: 'id' }
const issues: StreamInput = {
  path: 'projects/{parent.id}/issues',
  records: 'items',
  paginate: pages,
  key: 'id',
  slices: { by: 'parent', stream: 'projects' },
}
const signal = new AbortController().signal

/** An API of lists by path, in pages of `size`; a query parameter `since` gives what has a `changed` of that or later. */
function api(lists: Lists, size = 2) {
  return scriptedClient(({ url, query }) => {
    const list = lists[decodeURIComponent(url)]
    if (list === undefined) return new Error(`there is nothing at ${url}`)
    const matching = list.filter(
      ({ changed }) => query['since'] === undefined || String(changed) >= String(query['since']),
    )
    const start = Number(query['cursor'] ?? 0)
    const more = start + size < matching.length
    return { body: { items: matching.slice(start, start + size), next: more ? String(start + size) : null } }
  })
}

const asked = ({ requests }: { requests: readonly RequestSpec[] }) =>
  requests.map(({ url, query }) => url + (query['cursor'] === undefined ? '' : `#${query['cursor']}`))

const twoProjects: Lists = {
  projects: [{ id: 1 }, { id: 2 }, { id: 3 }],
  'projects/1/issues': [{ id: 11 }, { id: 12 }, { id: 13 }],
  'projects/2/issues': [],
  'projects/3/issues': [{ id: 31 }],
}

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

describe('levels and several parents', () => {
  const lists: Lists = {
    accounts: [{ id: 'a' }, { id: 'b' }, { id: 'c' }],
    'accounts/a/projects': [{ id: 1 }, { id: 2 }, { id: 3 }],
    'accounts/b/projects': [],
    'accounts/c/projects': [{ id: 4 }],
    'accounts/a/projects/1/issues': [{ id: 11 }, { id: 12 }, { id: 13 }],
    'accounts/a/projects/2/issues': [{ id: 21 }],
    'accounts/a/projects/3/issues': [],
    'accounts/c/projects/4/issues': [{ id: 41 }],
  }
  const accounts: StreamInput = { path: 'accounts', records: 'items', paginate: pages, key: 'id' }

  // PEERS: dlt test_resolve_config three levels
  // PEERS: dlt test_offline parent, child, grandchild
  test('a parent that has a parent itself: three levels, each field carried down as far as it is needed', async () => {
    const client = api(lists)
    const { issues: stream } = streamsOf(
      'desk',
      {
        accounts,
        projects: {
          ...projects,
          path: 'accounts/{parent.id}/projects',
          slices: { by: 'parent', stream: 'accounts', fields: { account: 'id' } },
        },
        issues: {
          ...issues,
          path: 'accounts/{project.account}/projects/{project.id}/issues',
          slices: {
            by: 'parent',
            stream: 'projects',
            as: 'project',
            fields: { project_id: 'id', account: 'account' },
          },
        },
      },
      client,
    )
    const warehouse = new Warehouse()
    expect(await runOnce(stream, warehouse)).toEqual(['id=1', 'id=2', 'id=3', 'id=4', '(pass)'])
    expect([...warehouse.rows.values()]).toEqual([
      { id: 11, project_id: 1, account: 'a' },
      { id: 12, project_id: 1, account: 'a' },
      { id: 13, project_id: 1, account: 'a' },
      { id: 21, project_id: 2, account: 'a' },
      { id: 41, project_id: 4, account: 'c' },
    ])
  })

  // PEERS: dlt test_resolve_config two parents refused
  // PEERS: Airbyte UnionPartitionRouter
  test('several parents are one list, and what is in two of them is read once', async () => {
    const client = api({
      open: [{ id: 1 }, { id: 2 }],
      closed: [{ id: 2 }, { id: 3 }],
      'items/1': [{ id: 'one' }],
      'items/2': [{ id: 'two' }],
      'items/3': [{ id: 'three' }],
    })
    const list = { records: 'items', paginate: pages, key: 'id' }
    const { notes: stream } = streamsOf(
      'desk',
      {
        open: { ...list, path: 'open' },
        closed: { ...list, path: 'closed' },
        notes: { ...list, path: 'items/{parent.id}', slices: { by: 'parent', streams: ['open', 'closed'] } },
      },
      client,
    )
    const warehouse = new Warehouse()
    expect(await runOnce(stream, warehouse)).toEqual(['id=1', 'id=2', 'id=3', '(pass)'])
    expect(stream.slicing).toBe('one slice for each record of desk.open and desk.closed')
  })

  // PEERS: dlt one parent for a child
  test('two parents beside each other are a product', async () => {
    const client = api({
      accounts: [{ id: 'a' }, { id: 'b' }],
      kinds: [{ id: 'x' }, { id: 'y' }, { id: 'z' }],
      ...Object.fromEntries(
        ['a', 'b'].flatMap((a) => ['x', 'y', 'z'].map((k) => [`${a}-${k}`, [{ id: `${a}${k}` }]])),
      ),
    })
    const { notes: stream } = streamsOf(
      'desk',
      {
        accounts,
        kinds: { ...accounts, path: 'kinds' },
        notes: {
          ...accounts,
          path: '{account.id}-{kind.id}',
          slices: [
            { by: 'parent', stream: 'accounts', as: 'account' },
            { by: 'parent', stream: 'kinds', as: 'kind' },
          ],
        },
      },
      client,
    )
    const warehouse = new Warehouse()
    const keys = await runOnce(stream, warehouse)
    expect(keys).toEqual([
      'id=a/id=x',
      'id=a/id=y',
      'id=a/id=z',
      'id=b/id=x',
      'id=b/id=y',
      'id=b/id=z',
      '(pass)',
    ])
    expect([...warehouse.rows.keys()]).toEqual(['ax', 'ay', 'az', 'bx', 'by', 'bz'])
  })

  test('a parent without a key of one field is named by the fields that `key` says', async () => {
    const client = api({ projects: [{ meta: { group: 'g', number: 7 } }], 'g/7': [{ id: 1 }] })
    const { issues: stream } = streamsOf(
      'desk',
      {
        projects: { path: 'projects', records: 'items', paginate: pages },
        issues: {
          ...issues,
          path: '{parent.meta.group}/{parent.meta.number}',
          slices: { by: 'parent', stream: 'projects', key: ['meta.group', 'meta.number'] },
        },
      },
      client,
    )
    expect(await runOnce(stream, new Warehouse())).toEqual(['meta.group=g,meta.number=7', '(pass)'])
  })
})

describe('fields carried down', () => {
  const run = async (slices: object, children: readonly JsonRecord[]) => {
    const client = api({
      projects: [{ id: 1, name: 'One', owner: { id: 7 } }],
      'projects/1/issues': children,
    })
    const { issues: stream } = streamsOf(
      'desk',
      { projects, issues: { ...issues, slices: { by: 'parent', stream: 'projects', ...slices } } },
      client,
    )
    const warehouse = new Warehouse()
    await runOnce(stream, warehouse)
    return [...warehouse.rows.values()]
  }

  // PEERS: dlt include_from_parent
  // PEERS: Airbyte ParentStreamConfig.extra_fields
  test('a list of names gives fields that are called after the parent; an object says what they are called', async () => {
    expect(await run({ fields: ['id', 'name'] }, [{ id: 11 }])).toEqual([
      { id: 11, parent_id: 1, parent_name: 'One' },
    ])
    expect(await run({ fields: { project: 'name', owner_id: 'owner.id' } }, [{ id: 11 }])).toEqual([
      { id: 11, project: 'One', owner_id: 7 },
    ])
  })

  test('a child’s own field is never overwritten: the same value is let be, another one stops the stream', async () => {
    const fields = { project_id: 'id' }
    expect(await run({ fields }, [{ id: 11, project_id: 1 }])).toEqual([{ id: 11, project_id: 1 }])
    await expect(run({ fields }, [{ id: 11, project_id: 2 }])).rejects.toThrow(
      'desk.issues: `slices.fields` would overwrite project_id of a record in the slice id=1, which has a value of its own there: call what comes from desk.projects otherwise, as in `fields: { project_id_of_slice: … }`',
    )
  })

  test('a carried field can be a part of the child’s key', async () => {
    const client = api({
      projects: [{ id: 1 }, { id: 2 }],
      'projects/1/issues': [{ iid: 1 }, { iid: 2 }],
      'projects/2/issues': [{ iid: 1 }],
    })
    const { issues: stream } = streamsOf(
      'desk',
      {
        projects,
        issues: {
          ...issues,
          key: ['project_id', 'iid'],
          slices: { by: 'parent', stream: 'projects', fields: { project_id: 'id' } },
        },
      },
      client,
    )
    const warehouse = new Warehouse()
    await runOnce(stream, warehouse)
    expect([...warehouse.rows.keys()]).toEqual(['1|1', '1|2', '2|1'])
  })
})

describe('a parent’s record without what is wanted of it', () => {
  const fail = async (record: JsonRecord, slices: object = {}, path = 'projects/{parent.id}/issues') => {
    const client = api({ projects: [record] })
    const { issues: stream } = streamsOf(
      'desk',
      { projects, issues: { ...issues, path, slices: { by: 'parent', stream: 'projects', ...slices } } },
      client,
    )
    return runOnce(stream, new Warehouse()).then(
      () => 'nothing was wrong',
      (error: Error) => error.message,
    )
  }

  // PEERS: dlt test_resolve_config missing field message lists available keys
  test('a placeholder that stands for nothing names the fields that there are', async () => {
    expect(await fail({ id: 1, iid: 2, name: 'x' }, {}, 'projects/{parent.idd}/issues')).toBe(
      'desk.issues: a record of its parent desk.projects (id=1) has no idd, which the placeholder {parent.idd} stands for; did you mean id? It has the fields id, iid, name.',
    )
  })

  test('a key that is missing, and one that is no single value', async () => {
    expect(await fail({ number: 1 })).toBe(
      'desk.issues: a record of its parent desk.projects has no id, which names its slice; it has the fields number.',
    )
    expect(await fail({ id: [1] })).toBe(
      'desk.issues: a record of its parent desk.projects has no single value in id, which names its slice; it has the fields id.',
    )
  })

  test('null where a placeholder needs a value says how to leave such parents out', async () => {
    expect(await fail({ id: 1, folder: null }, {}, 'folders/{parent.folder}/issues')).toBe(
      'desk.issues: a record of its parent desk.projects (id=1) has null in folder, which the placeholder {parent.folder} stands for; it has the fields id, folder. Leave such records out by `where: "@.folder != null"`',
    )
  })

  test('a carried field that the parent has not', async () => {
    expect(await fail({ id: 1 }, { fields: ['title'] })).toBe(
      'desk.issues: a record of its parent desk.projects (id=1) has no title, which `slices.fields` carries down; it has the fields id.',
    )
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

// PEERS: dlt test_offline parallel children
test('parents × incremental by time: each parent has its own high-water mark', async () => {
  // PEERS: dlt #2429
  // PEERS: dlt fault 7 one cursor for all parents
  const lists: Lists = {
    projects: [{ id: 1 }, { id: 2 }],
    'projects/1/issues': [{ id: 11, changed: '2026-06-01T00:00:00Z' }],
    'projects/2/issues': [{ id: 21, changed: '2026-01-15T00:00:00Z' }],
  }
  const client = api(lists)
  const clock = fakeClock({ start: Date.parse('2026-07-01') })
  const incremental = { by: 'time', field: 'changed', param: 'since', start: '2026-01-01' } as const
  const { issues: stream } = streamsOf(
    'desk',
    { projects, issues: { ...issues, incremental } },
    client,
    clock,
  )
  const warehouse = new Warehouse()
  expect(await runOnce(stream, warehouse)).toEqual(['id=1', 'id=2'])
  await runOnce(stream, warehouse)
  const since = client.requests.filter(({ url }) => url !== 'projects').map(({ query }) => query['since'])
  expect(since).toEqual([
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z',
    '2026-06-01T00:00:00Z',
    '2026-01-15T00:00:00Z',
  ])
  expect(warehouse.progress.get('id=2')).toEqual({ position: null, highWater: '2026-01-15T00:00:00Z' })
  // --since goes to each parent.
  await runOnce(stream, warehouse, { scope: { since: '2026-02-02' } })
  expect(client.requests.at(-1)!.query['since']).toBe('2026-02-02T00:00:00Z')
})

test('parents × incremental by position: each parent goes on from its own position', async () => {
  const client = scriptedClient(({ url, query }) => {
    if (url === 'projects') return { body: { items: [{ id: 1 }, { id: 2 }], next: null } }
    const from = Number(query['cursor'] ?? 0)
    const end = url.includes('/1/') ? 3 : 1
    const ids = from < end ? [{ id: `${url}#${from}` }] : []
    return { body: { items: ids, next: String(Math.min(end, from + 1)), more: from + 1 < end } }
  })
  const { issues: stream } = streamsOf(
    'desk',
    {
      projects,
      issues: {
        ...issues,
        paginate: cursor({ token: 'next', param: 'cursor', more: 'more', persist: true }),
        incremental: { by: 'position' },
      },
    },
    client,
  )
  const warehouse = new Warehouse()
  await runOnce(stream, warehouse)
  expect([...warehouse.progress]).toEqual([
    ['id=1', { position: { at: '3' }, highWater: null }],
    ['id=2', { position: { at: '1' }, highWater: null }],
  ])
  const before = client.requests.length
  await runOnce(stream, warehouse)
  expect(client.requests.slice(before).map(({ url, query }) => `${url}#${query['cursor'] ?? ''}`)).toEqual([
    'projects#',
    'projects/1/issues#3',
    'projects/2/issues#1',
  ])
  expect(warehouse.received).toBe(4)
})

test('a backfill that the API has no filter for is refused before a parent is asked for', () => {
  const client = api(twoProjects)
  const { issues: stream } = streamsOf('desk', { issues, projects }, client)
  expect(() => stream.slices(new Map(), { since: '2024-01-01' })).toThrow(
    "desk.issues: --since can't bound this stream: it has neither `incremental` nor `slices` of time",
  )
  expect(client.requests).toEqual([])
})
