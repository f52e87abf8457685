import { describe, expect, test } from 'vitest'
import { runOnce, streamsOf, Warehouse } from '../testing/scripted-client.ts'
import { api, issues, type Lists, pages, projects, type StreamInput } from './scripted-parents.ts'

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
