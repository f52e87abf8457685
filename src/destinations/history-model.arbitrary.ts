// What a history says, in the plainest words: the property tests of histories compare a destination with it.
import fc from 'fast-check'
import { expect } from 'vitest'
import type { DestinationSession, Load } from '../ports/destination.ts'
import type { Json, JsonRecord } from '../ports/json.ts'
import type { TableSchema } from '../ports/schema.ts'

/** Something that was told of a record: what it says from a time on, or that it is gone. */
interface Told {
  readonly id: number
  /** A day; several may fall on one. */
  readonly time: number
  /** `null` where it is gone. */
  readonly note: string | null
}

const told: fc.Arbitrary<Told> = fc.record({
  // A load costs what it costs, however many records it tells of: each draw holds the histories of many.
  id: fc.integer({ min: 1, max: 60 }),
  time: fc.integer({ min: 1, max: 7 }),
  note: fc.option(fc.constantFrom('A', 'B'), { freq: 3 }),
})

/** Loads, in the order in which they come; a number stands for one that came before, told again. */
const loads = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.array(told, { minLength: 1, maxLength: 150, size: 'max' }) },
    { weight: 1, arbitrary: fc.nat(5) },
  ),
  { minLength: 1, maxLength: 6, size: 'max' },
)

const schema: TableSchema = {
  columns: [
    { field: 'id', name: 'id', type: { kind: 'integer' } },
    { field: 'note', name: 'note', type: { kind: 'text' } },
    { field: 'at', name: 'at', type: { kind: 'timestamp' } },
  ],
}

const day = (time: number) => `2024-01-0${time}T00:00:00Z`

/** By key, what was told of each time: of a record and a deletion the deletion counts, of two records the one that came last. */
class DatedModel {
  readonly #events = new Map<number, Map<number, string | null>>()

  take(load: readonly Told[]): void {
    for (const { id, time, note } of load) {
      const own = this.#events.get(id) ?? new Map<number, string | null>()
      this.#events.set(id, own)
      if (own.get(time) !== null) own.set(time, note)
    }
  }

  versions(): string[] {
    return [...this.#events].flatMap(([id, own]) => {
      const times = [...own.keys()].sort((a, b) => a - b)
      return times.flatMap((time, at) => {
        const note = own.get(time)
        const next = times[at + 1]
        return note === null ? [] : [`${id} ${note} ${day(time)} ${next === undefined ? null : day(next)}`]
      })
    })
  }
}

/** By key, the versions that were seen: of a load the last word counts, and one that says what is known changes nothing. */
class ObservedModel {
  readonly #seen = new Map<number, { note: string; from: number; to: number | null }[]>()

  take(load: readonly Told[], now: number): void {
    for (const { id, note } of new Map(load.map((one) => [one.id, one])).values()) {
      const own = this.#seen.get(id) ?? []
      this.#seen.set(id, own)
      const present = own.find(({ to }) => to === null)
      if (present?.note === note) continue
      if (present !== undefined) present.to = now
      if (note !== null) own.push({ note, from: now, to: null })
    }
  }

  versions(): string[] {
    return [...this.#seen].flatMap(([id, own]) =>
      own.map(({ note, from, to }) => `${id} ${note} ${day(from)} ${to === null ? null : day(to)}`),
    )
  }
}

function historyLoad(table: string, at: number, dated: boolean, given: readonly Told[]): Load {
  return {
    id: `${table}.${at}`,
    runId: 'run',
    at: Date.parse(day(at)),
    stream: table,
    table,
    mode: 'history',
    key: ['id'],
    ...(dated && { version: 'at' }),
    schema,
    records: given.map(
      ({ id, time, note }): JsonRecord => ({
        id,
        ...(note !== null && { note }),
        ...(dated && { at: day(time) }),
      }),
    ),
    tombstones: new Set(given.flatMap(({ note }, row) => (note === null ? [row] : []))),
    rejects: [],
    checkpoints: [],
  }
}

/**
 * Commits drawn loads, and compares the versions with what a plain model says.
 * @param prefix begins the names of the tables
 */
export function keepsHistoryLikeAMap(
  session: DestinationSession,
  prefix: string,
  rowsOf: (table: string) => Promise<readonly Readonly<Record<string, Json>>[]>,
) {
  let run = 0
  return fc.asyncProperty(loads, fc.boolean(), async (drawn, dated) => {
    const table = `${prefix}${++run}`
    const model = dated ? new DatedModel() : new ObservedModel()
    const came: { readonly load: Load; readonly given: readonly Told[] }[] = []
    for (const [at, drawnLoad] of drawn.entries()) {
      const again = typeof drawnLoad === 'number' ? came[drawnLoad % came.length] : undefined
      if (again !== undefined) expect((await session.commit(again.load)).replayed).toBe(true)
      const given = typeof drawnLoad === 'number' ? (again?.given ?? []) : drawnLoad
      const load = historyLoad(table, at + 1, dated, given)
      const { inserted, updated, unchanged } = await session.commit(load)
      expect(inserted + updated + unchanged).toBe(given.length)
      came.push({ load, given })
      model.take(given, at + 1)
    }
    const rows = came.length === 0 ? [] : await rowsOf(table)
    const [from, to] = ['_sluice_valid_from', '_sluice_valid_to'] as const
    const versions = rows
      .filter((row) => row[from] !== row[to])
      .map((row) => `${row['id']} ${row['note']} ${row[from]} ${row[to]}`)
    expect(versions.sort()).toEqual(model.versions().sort())
    // No two rows of a key begin at one time.
    expect(new Set(rows.map((row) => `${row['id']} ${row[from]}`)).size).toBe(rows.length)
  })
}
