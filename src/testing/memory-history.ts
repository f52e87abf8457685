import type { Load } from '../ports/destination.ts'
import { timestampMicros } from '../records/iso-time.ts'
import { compareEncoded } from '../records/latest-version.ts'
import { everyRow, type NewRow, type RowPlan, rowKey, sameValues } from './memory-merge.ts'
import type { MemoryRow, MemoryTable } from './memory-store.ts'

// What becomes of a load's versions is told in ports/destination.ts, under History. What is known of a key is read from its rows, the load's
// records are put to it in the order of their times, and its rows are written anew.

/** A time in microseconds since 1970, and what holds from it on: a row's values, or nothing. */
interface Event {
  readonly time: bigint
  readonly row: MemoryRow | null
}

interface Candidate {
  readonly at: number
  readonly row: NewRow
  readonly time: bigint
  /** Whether the record itself says when. */
  readonly isDated: boolean
}

/** Plans the versions of a load: all rows of its keys go, and come again with what they say now. */
export function historyRows(table: MemoryTable, load: Load): RowPlan {
  const keyOf = rowKey(load.key, load.schema)
  const stored = grouped(table.rows, keyOf)
  const fresh = grouped(
    everyRow(load, load).map((row, at) => ({ row, at })),
    ({ row }) => keyOf(row),
  )
  const rows: NewRow[] = []
  const removed: MemoryRow[] = []
  let [inserted, updated] = [0, 0]
  for (const [key, own] of fresh) {
    const present = stored.get(key) ?? []
    let line = lineOf(present)
    for (const { at, row, time, isDated } of candidates(load, own, present)) {
      const same = line.find((event) => event.time === time)
      if (same?.row === null) continue
      const before = line.findLast((event) => event.time <= time)?.row ?? null
      const isEnd = load.tombstones?.has(at) ?? false
      if (isEnd ? before === null && !isDated : before !== null && sameValues(before.values, row.values))
        continue
      if (isEnd ? before !== null : same !== undefined) updated++
      else if (!isEnd) inserted++
      line = [...line.filter((event) => event !== same), { time, row: isEnd ? null : row }].sort(byTime)
    }
    removed.push(...present)
    rows.push(...rowsOf(line, load, keyValues(load, own[0]!.row)))
  }
  const unchanged = load.records.length - inserted - updated
  return { rows, removed, counts: { inserted, updated, unchanged, deleted: 0 }, taken: new Set() }
}

function lineOf(rows: readonly MemoryRow[]): Event[] {
  const begins = rows
    .filter(({ validity }) => validity!.from !== validity!.to)
    .map((row): Event => ({ time: row.validity!.from, row }))
  const begun = new Set(begins.map(({ time }) => time))
  const ends = new Set(
    rows.flatMap(({ validity: { to } = { to: null } }) => (to === null || begun.has(to) ? [] : [to])),
  )
  return [...begins, ...Array.from(ends, (time): Event => ({ time, row: null }))].sort(byTime)
}

/** The records of a key that count, in the order of their times. */
function candidates(
  load: Load,
  own: readonly { readonly row: NewRow; readonly at: number }[],
  present: readonly MemoryRow[],
): Candidate[] {
  const place = load.schema.columns.findIndex(({ field }) => field === load.version)
  const kind = load.schema.columns[place]?.type.kind
  const versionOf = ({ values }: MemoryRow) => values[place] ?? null
  const latest = present.findLast(({ validity }) => validity!.from !== validity!.to)
  const isOld = (row: MemoryRow) =>
    kind !== undefined && latest !== undefined && compareEncoded(versionOf(row), versionOf(latest), kind) < 0
  const known = present.flatMap(({ validity: { from, to } = { from: 0n, to: null } }) => [from, to ?? from])
  const now = [BigInt(load.at) * 1000n, ...known.map((time) => time + 1000n)].reduce((a, b) =>
    a > b ? a : b,
  )
  const byWhen = new Map<bigint, Candidate>()
  for (const { row, at } of own) {
    const version = versionOf(row)
    const isDated = (kind === 'date' || kind === 'timestamp') && version !== null
    if (kind !== 'date' && kind !== 'timestamp' && isOld(row)) continue
    const text = kind === 'date' ? `${version}T00:00:00Z` : String(version)
    const time = isDated ? timestampMicros(text) : now
    const rival = byWhen.get(time)
    const isRivalEnd = rival?.isDated && load.tombstones?.has(rival.at)
    const isNewer =
      rival === undefined ||
      isDated ||
      kind === undefined ||
      compareEncoded(version, versionOf(rival.row), kind) >= 0
    if (isNewer && !(isRivalEnd && !load.tombstones?.has(at))) byWhen.set(time, { at, row, time, isDated })
  }
  return [...byWhen.values()].sort(byTime)
}

/** A key's rows: each version until the next event; an end that no version stands before is a row whose validity is empty. */
function rowsOf(line: readonly Event[], load: Load, key: MemoryRow['values']): NewRow[] {
  return line.flatMap(({ time, row }, at) => {
    const isCovered = (line[at - 1]?.row ?? null) !== null
    if (row === null && isCovered) return []
    const validity = { from: time, to: row === null ? time : (line[at + 1]?.time ?? null) }
    const { values, loadId } = row ?? { values: key, loadId: load.id }
    return [{ values, loadId, validity, key: null, replaces: undefined }]
  })
}

function keyValues({ key, schema }: Load, { values }: MemoryRow): MemoryRow['values'] {
  return schema.columns.map(({ field }, at) => (key.includes(field) ? (values[at] ?? null) : null))
}

function grouped<Item>(
  items: Iterable<Item>,
  keyOf: (item: Item) => string | number,
): Map<string | number, Item[]> {
  const groups = new Map<string | number, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    groups.set(key, [...(groups.get(key) ?? []), item])
  }
  return groups
}

function byTime(a: { readonly time: bigint }, b: { readonly time: bigint }): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : 0
}
