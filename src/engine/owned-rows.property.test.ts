import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { destinationAt, temporaryDirectory } from '../destinations/duckdb/test-warehouse.ts'
import type { DestinationSession } from '../ports/destination.ts'
import type { JsonRecord } from '../ports/json.ts'
import { ownerField, type SideTable, type Stream, tombstoneField } from '../ports/source.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { memoryDestination } from '../testing/memory-destination.ts'
import { runStream } from './stream-run.ts'
import { listStream } from './testing/list-stream.ts'

// Random runs over one table and the rows that belong to its records: records with their rows, records that are gone, lists of
// deletions, lists of all keys and refreshes, in pages and batches of any size, with commits that fail, whose answer is lost or that are
// committed again. What is stored is what a plain map holds.

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterAll(() => directory.remove())

type Part = string | number
type Key = readonly Part[]

/** A record with its rows, or one that is gone. */
interface Item {
  readonly key: Key
  readonly version: number
  readonly note: string
  /** Undefined: it is gone. */
  readonly lines: readonly string[] | undefined
}

interface Run {
  readonly kind: 'merge' | 'refresh' | 'delete' | 'reconcile'
  readonly pages: readonly (readonly Item[])[]
  readonly maxRecords: number
  /** For each commit: fails before it, or after it, or is asked for twice. */
  readonly commits: readonly ('plain' | 'fails' | 'lost' | 'twice')[]
}

interface Plan {
  readonly keyFields: readonly string[]
  readonly versioned: boolean
  readonly runs: readonly Run[]
}

const number = fc.integer({ min: 0, max: 4 })
/** Some that differ in a byte, a sign or their normal form only, and some that are the numbers above once the column holds text. */
const text = fc.constantFrom('', '1', '2', 'a', 'A', 'ü', 'u\u0308', '😀', "it's", 'a:b')
const keyOf = (fields: number, mixed: boolean): fc.Arbitrary<Key> =>
  fc.tuple(
    ...Array.from({ length: fields }, (_, at) =>
      at > 0 || !mixed ? number : fc.oneof({ weight: 3, arbitrary: number }, { weight: 1, arbitrary: text }),
    ),
  )

const itemOf = (key: fc.Arbitrary<Key>): fc.Arbitrary<Item> =>
  fc.record({
    key,
    version: fc.integer({ min: 0, max: 3 }),
    note: fc.constantFrom('x', 'y'),
    lines: fc.option(fc.array(fc.constantFrom('p', 'q', 'grüße'), { maxLength: 3 }), {
      nil: undefined,
      freq: 4,
    }),
  })

const runOf = (item: fc.Arbitrary<Item>, onePage: boolean): fc.Arbitrary<Run> =>
  fc.record({
    kind: fc.oneof(
      { weight: 5, arbitrary: fc.constant('merge' as const) },
      fc.constantFrom('refresh', 'delete', 'reconcile'),
    ),
    pages: fc.array(fc.array(item, { maxLength: 5 }), { minLength: 1, maxLength: onePage ? 1 : 4 }),
    maxRecords: onePage ? fc.constant(1000) : fc.integer({ min: 1, max: 12 }),
    commits: fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.constant('plain' as const) },
        fc.constantFrom('fails', 'lost', 'twice'),
      ),
      { maxLength: 5 },
    ),
  })

const plans: fc.Arbitrary<Plan> = fc
  .tuple(fc.constantFrom(1, 2), fc.boolean(), fc.boolean())
  .chain(([fields, mixed, versioned]) =>
    fc.record({
      keyFields: fc.constant(['id', 'account'].slice(0, fields)),
      versioned: fc.constant(versioned),
      // With versions it counts which records share a load: each run is one.
      runs: fc.array(runOf(itemOf(keyOf(fields, mixed)), versioned), { minLength: 1, maxLength: 6 }),
    }),
  )

const nameOf = (key: Key) => JSON.stringify(key.map(String))

/** What a run does, in the plainest words. */
function apply(table: Map<string, Item>, { kind, pages }: Run, versioned: boolean): void {
  const items = pages.flat()
  if (kind === 'refresh') table.clear()
  if (kind === 'reconcile') {
    const named = new Set(items.map(({ key }) => nameOf(key)))
    for (const name of table.keys()) if (!named.has(name)) table.delete(name)
    return
  }
  const best = new Map<string, Item>()
  for (const item of items) {
    const known = best.get(nameOf(item.key))
    if (known === undefined || !versioned || item.version >= known.version) best.set(nameOf(item.key), item)
  }
  for (const [name, item] of best) {
    const stored = table.get(name)
    if (versioned && stored !== undefined && stored.version > item.version) continue
    if (kind === 'delete' || item.lines === undefined) table.delete(name)
    else table.set(name, item)
  }
}

interface Names {
  readonly source: string
  readonly table: string
  readonly lines: SideTable
}

const fieldsOf = (names: readonly string[], values: Key): JsonRecord =>
  Object.fromEntries(names.map((name, at) => [name, values[at]!]))

function streamOf({ source, table, lines }: Names, { keyFields, versioned }: Plan, run: Run): Stream {
  const { kind, pages } = run
  const common = { table, key: keyFields, ...(versioned && { version: 'version' }) }
  if (kind === 'delete' || kind === 'reconcile') {
    const slices = {
      all: pages.map((page) =>
        page.map(({ key, version }) => ({ ...fieldsOf(keyFields, key), ...(versioned && { version }) })),
      ),
    }
    return listStream({
      ...common,
      name: `${source}.${kind}`,
      write: kind,
      slices,
      allowEmptyReplace: true,
      maxRemovedPercent: 100,
    })
  }
  return listStream({
    ...common,
    name: `${source}.items`,
    sides: [lines],
    tombstones: true,
    allowEmptyReplace: true,
    slices: {
      all: pages.map((page) =>
        page.map(({ key, version, note, lines }, at) => ({
          ...fieldsOf(keyFields, key),
          version,
          note,
          [ownerField]: at,
          ...(lines === undefined && { [tombstoneField]: true }),
        })),
      ),
    },
    beside: (_slice, page) => ({
      sides: new Map([
        [
          lines.table,
          pages[page]!.flatMap(({ key, lines: rows = ['late'] }, at) =>
            rows.map((line) => ({ ...fieldsOf(lines.owner!, key), line, [ownerField]: at })),
          ),
        ],
      ]),
    }),
  })
}

/** The session, whose commits meet what the run says. */
function unreliable(session: DestinationSession, run: Run): DestinationSession {
  const commits = [...run.commits]
  return {
    readCheckpoints: (stream) => session.readCheckpoints(stream),
    readSchema: (table, options) => session.readSchema(table, options),
    ...(session.rows && { rows: () => session.rows!() }),
    moveCheckpoints: (move) => session.moveCheckpoints(move),
    recordRun: (record) => session.recordRun(record),
    abandonReplacement: (...given) => session.abandonReplacement(...given),
    resetStream: (...given) => session.resetStream(...given),
    async [Symbol.asyncDispose]() {},
    async commit(load) {
      const fate = commits.shift() ?? 'plain'
      if (fate === 'fails') throw new Error('told to fail')
      const receipt = await session.commit(load)
      if (fate === 'lost') throw new Error('told to lose the answer')
      // C3
      if (fate === 'twice') expect(await session.commit(load)).toEqual({ ...receipt, replayed: true })
      return receipt
    },
  }
}

let planned = 0
const clock = fakeClock({ auto: true })

async function check(
  session: DestinationSession,
  rowsOf: (table: string) => Promise<readonly JsonRecord[]>,
  plan: Plan,
): Promise<void> {
  const at = ++planned
  const owner = plan.keyFields.map((field) => `of_${field}`)
  const names: Names = {
    source: `s${at}`,
    table: `t${at}`,
    lines: { table: `l${at}`, key: [], write: 'owned', owner },
  }
  const model = new Map<string, Item>()
  for (const [index, run] of plan.runs.entries()) {
    const flaky = unreliable(session, run)
    for (let attempt = 0, done = false; !done; attempt++) {
      await clock.sleep(1000)
      const { outcome, error } = await runStream(streamOf(names, plan, run), {
        session: flaky,
        runId: `${at}.${index}.${attempt}`,
        clock,
        onEvent: () => {},
        batch: { maxRecords: run.maxRecords, maxBytes: 1e9, maxAgeMs: 1e9 },
        scope: {},
        fullRefresh: run.kind === 'refresh',
        owned: [names.lines],
        signal: new AbortController().signal,
      })
      done = outcome === 'done'
      if (!done) expect(String(error)).toMatch(/told to/)
    }
    apply(model, run, plan.versioned)

    const stored = async (table: string, fields: readonly string[]) =>
      (await rowsOf(table)).map((row) => fields.map((field) => String(row[field])).join('|')).sort()
    const items = [...model.values()]
    const keyed = items.map(({ key, version, note }) => [...key, version, note].join('|'))
    expect(await stored(names.table, [...plan.keyFields, 'version', 'note'])).toEqual(keyed.sort())
    const rows = items.flatMap(({ key, lines }) => lines!.map((line) => [...key, line].join('|')))
    expect(await stored(names.lines.table, [...owner, 'line'])).toEqual(rows.sort())
  }
}

test('C3: whatever the runs, records and the rows that belong to them are those of a plain map, in memory', async () => {
  const destination = memoryDestination()
  await using session = await destination.open('property')
  await fc.assert(
    fc.asyncProperty(plans, (plan) => check(session, async (table) => destination.rows(table), plan)),
    { numRuns: 300 },
  )
})

test('C3: whatever the runs, records and the rows that belong to them are those of a plain map, in DuckDB', async () => {
  await using session = await destinationAt(join(directory.path, 'owned.duckdb')).open('property')
  const rowsOf = async (table: string) =>
    (await session.readSchema(table)) === null
      ? []
      : ((await session.query(`SELECT * FROM ${table}`)) as JsonRecord[])
  // Each table that a session has filled takes some of the memory that it may use: hundreds of plans need a file each.
  await fc.assert(
    fc.asyncProperty(plans, (plan) => check(session, rowsOf, plan)),
    { numRuns: 25 },
  )
}, 120_000)
