import { describe, expect, test } from 'vitest'
import type { JsonRecord } from '../../ports/json.ts'
import { runOnce, streamsOf, Warehouse } from '../testing/scripted-client.ts'
import { api, issues, projects } from './scripted-parents.ts'

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
      'desk.issues: a record of its parent desk.projects has no id, which names its slice; it has the fields number. Where some records lack it, leave them out by `where: "@.id && @.id != null"`',
    )
    expect(await fail({ id: [1] })).toBe(
      'desk.issues: a record of its parent desk.projects has no single value in id, which names its slice; it has the fields id.',
    )
  })

  test('null where a placeholder needs a value says how to leave such parents out', async () => {
    expect(await fail({ id: 1, folder: null }, {}, 'folders/{parent.folder}/issues')).toBe(
      'desk.issues: a record of its parent desk.projects (id=1) has null in folder, which the placeholder {parent.folder} stands for; it has the fields id, folder. Leave such records out by `where: "@.folder && @.folder != null"`',
    )
  })

  test('a carried field that the parent has not', async () => {
    expect(await fail({ id: 1 }, { fields: ['title'] })).toBe(
      'desk.issues: a record of its parent desk.projects (id=1) has no title, which `slices.fields` carries down; it has the fields id. Where some records lack it, leave them out by `where: "@.title && @.title != null"`',
    )
  })
})
