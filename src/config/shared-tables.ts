import { ConfigError } from '../errors.ts'
import { sideTableOf } from '../source/response/sides.ts'
import { tableOf } from '../source/rest-options.ts'
import type { Pipeline } from './pipeline.ts'

/**
 * Two streams of one table would take each other's rows for their own: a `replace` would drop them, a `merge` mix them up.
 * Upper and lower case are the same, as they are to the names of DuckDB.
 * @throws ConfigError that names both streams and what to change
 */
export function refuseSharedTables(pipeline: Pipeline): void {
  const owners = new Map<string, { readonly stream: string; readonly table: string }>()
  for (const [source, { streams }] of Object.entries(pipeline.sources)) {
    for (const [name, settings] of Object.entries(streams)) {
      const stream = `${source}.${name}`
      const table = tableOf(source, name, settings)
      const owner = owners.get(table.toLowerCase())
      if (owner !== undefined) {
        const same = owner.table === table ? '' : `, which is the same as ${owner.table} but for its case`
        throw new ConfigError(
          `sources.${source}.streams.${name}.table`,
          `${stream} would be loaded into ${table}${same}, the table of ${owner.stream}: give one of the two a \`table\` of its own`,
        )
      }
      owners.set(table.toLowerCase(), { stream, table })
    }
  }
  refuseSidesOf(pipeline, owners)
}

/** A stream's own table is none for a side: it may be swapped for a new one, and its rows have another key. */
function refuseSidesOf(pipeline: Pipeline, owners: ReadonlyMap<string, { readonly stream: string }>): void {
  for (const [source, { streams }] of Object.entries(pipeline.sources)) {
    for (const [name, settings] of Object.entries(streams)) {
      for (const [side, each] of Object.entries(settings.sides ?? {})) {
        const table = sideTableOf(tableOf(source, name, settings), side, each)
        const owner = owners.get(table.toLowerCase())
        if (owner === undefined) continue
        throw new ConfigError(
          `sources.${source}.streams.${name}.sides.${side}.table`,
          `the list ${side} would be loaded into ${table}, the table of ${owner.stream}: give one of the two a \`table\` of its own`,
        )
      }
    }
  }
}
