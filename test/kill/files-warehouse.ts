// What a folder of files holds after its process has died.
import { rowsOf, schemaOf } from '../../src/destinations/files/manifest/state.ts'
import { filesAt, queryDuckdb } from '../../src/destinations/files/test-files.ts'
import { type Contents, nothing, storedCheckpoint, type Tables } from './warehouse.ts'

export async function lookIntoFiles(path: string, { table }: Tables): Promise<Contents> {
  const destination = filesAt(path)
  await using session = await destination.open('killed', { readOnly: true })
  const { sequence, tables, staged, loads, checkpoints } = await session.state()
  if (sequence < 0) return nothing
  const listed = (await destination.list('killed')).find((one) => one.table === table)
  const rows = listed === undefined || listed.rows === 0 ? [] : await queryDuckdb(listed.sql)
  const both = [tables.get(table), staged.get(table)].flatMap((one) => one ?? [])
  const named = [
    ...both.flatMap(({ files }) => files.map(({ loadId }) => loadId)),
    ...[...checkpoints.values()].map(({ loadId }) => loadId),
  ]
  const kept = [...loads.values()]
  const columns = schemaOf(tables.get(table))?.columns ?? []
  return {
    ...nothing,
    rows,
    columns,
    present:
      rows.length === 0
        ? columns.map(({ name }) => name)
        : Object.keys(rows[0]!).filter((name) => !name.startsWith('_sluice_')),
    checkpoints: [...checkpoints.values()].map((one) =>
      storedCheckpoint(one.slice, one.position, one.staged),
    ),
    committedRecords: kept.reduce((sum, load) => sum + load.inserted + load.updated + load.unchanged, 0),
    inserted: kept.reduce((sum, load) => sum + load.inserted, 0),
    stored: both.reduce((sum, one) => sum + rowsOf(one), 0),
    unknownLoads: [...new Set(named)].filter((id) => !loads.has(id)),
  }
}
