import { ConfigError } from '../errors.ts'
import { nearest } from '../options/nearest.ts'
import { sideTableOf } from '../source/response/sides.ts'
import { type StreamSettings, splitTablesOf, tableOf } from '../source/rest-options.ts'
import type { Pipeline } from './pipeline.ts'

/** A stream of a pipeline, with what is said of it. */
interface Place {
  readonly stream: string
  readonly path: string
  readonly table: string
  readonly settings: StreamSettings
}

interface Owner {
  readonly place: Place
  readonly table: string
  /** True for a list of the stream's records. */
  readonly isList: boolean
}

/**
 * Two streams of one table would take each other's rows for their own: a `replace` would drop them, a `merge` mix them up. One that
 * removes rows needs another that loads them. Upper and lower case are the same, as they are to the names of DuckDB.
 * @throws ConfigError that names both streams and what to change
 */
export function refuseSharedTables(pipeline: Pipeline): void {
  const places = Object.entries(pipeline.sources).flatMap(([source, { streams }]) =>
    Object.entries(streams).map(
      ([name, settings]): Place => ({
        stream: `${source}.${name}`,
        path: `sources.${source}.streams.${name}`,
        table: tableOf(source, name, settings),
        settings,
      }),
    ),
  )
  const owners = ownersOf(places.filter(({ settings }) => !removes(settings)))
  refuseSidesOf(pipeline, owners)
  const lists = new Map<string, string>()
  for (const place of places.filter(({ settings }) => removes(settings))) {
    refuseStrayRemoval(place, owners)
    if (place.settings.write !== 'reconcile') continue
    const table = place.table.toLowerCase()
    const other = lists.get(table)
    if (other !== undefined) {
      throw new ConfigError(
        `${place.path}.table`,
        `${place.stream} would remove from ${place.table} what ${other} names, and the other way round: one list must name all rows`,
      )
    }
    lists.set(table, place.stream)
  }
}

/**
 * A stream's own table is none for a side: it may be swapped for a new one, and its rows have another key. Nor do two streams share one:
 * each would widen its columns without the other's knowing.
 */
function refuseSidesOf(pipeline: Pipeline, owners: ReadonlyMap<string, Owner>): void {
  const taken = new Map<string, string>()
  for (const [source, { streams }] of Object.entries(pipeline.sources)) {
    for (const [name, settings] of Object.entries(streams)) {
      for (const [side, each] of Object.entries(settings.sides ?? {})) {
        const table = sideTableOf(tableOf(source, name, settings), side, each)
        const owner = owners.get(table.toLowerCase())
        const list = `the list ${side} of ${source}.${name}`
        const other = taken.get(table.toLowerCase())
        taken.set(table.toLowerCase(), list)
        if (owner === undefined && other === undefined) continue
        throw new ConfigError(
          `sources.${source}.streams.${name}.sides.${side}.table`,
          `${list} would be loaded into ${table}, the table of ${owner === undefined ? other : nameOf(owner)}: give one of the two a \`table\` of its own`,
        )
      }
    }
  }
}

function removes({ write }: StreamSettings): boolean {
  return write === 'delete' || write === 'reconcile'
}

function ownersOf(places: readonly Place[]): ReadonlyMap<string, Owner> {
  const owners = new Map<string, Owner>()
  for (const place of places) {
    const lists = splitTablesOf(place.table, place.settings).map((table) => ({ place, table, isList: true }))
    for (const owned of [{ place, table: place.table, isList: false }, ...lists]) claim(owners, owned)
  }
  return owners
}

function claim(owners: Map<string, Owner>, owned: Owner): void {
  const { place, table, isList } = owned
  const owner = owners.get(table.toLowerCase())
  if (owner !== undefined) {
    const same = owner.table === table ? '' : `, which is the same as ${owner.table} but for its case`
    throw new ConfigError(
      `${place.path}.${isList ? 'transform' : 'table'}`,
      `${nameOf(owned)} would be loaded into ${table}${same}, the table of ${nameOf(owner)}: give one of the two a \`table\` of its own`,
    )
  }
  owners.set(table.toLowerCase(), owned)
}

function nameOf({ place, isList }: Owner): string {
  return isList ? `a list of ${place.stream}` : place.stream
}

/** @throws ConfigError where no stream loads the table, or it tells its rows apart by other fields */
function refuseStrayRemoval(
  { stream, path, table, settings }: Place,
  owners: ReadonlyMap<string, Owner>,
): void {
  const owner = owners.get(table.toLowerCase())
  if (owner === undefined || owner.isList) {
    const tables = [...owners.values()].filter(({ isList }) => !isList).map((loaded) => loaded.table)
    const near = nearest(table, tables)
    const hint = near === undefined ? `there are ${tables.join(', ') || 'none'}` : `did you mean ${near}?`
    throw new ConfigError(
      `${path}.table`,
      `${stream} would remove rows from ${table}, which ${owner === undefined ? 'no stream loads' : `is the table of ${nameOf(owner)}`}; ${hint}`,
    )
  }
  if (owner.place.settings.write === 'history') {
    throw new ConfigError(
      `${path}.table`,
      `${stream} would remove rows from ${table}, whose versions ${owner.place.stream} keeps with \`write: history\`: ` +
        'say there by which condition a record is gone, with `deleted`, or let that stream `merge`',
    )
  }
  const theirs = owner.place.settings.key
  const ours = settings.key ?? []
  if (theirs === undefined || theirs.join('\0') === ours.join('\0')) return
  throw new ConfigError(
    `${path}.key`,
    `${stream} would look for rows of ${table} by ${ours.join(' and ')}, and ${owner.place.stream} tells them apart by ${theirs.join(' and ')}: ` +
      'name the same fields in the same order; a field of another name can be renamed with `transform`',
  )
}
