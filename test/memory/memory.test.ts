// A slice of `npm run memory` and `npm run scale`: some of the records, under each destination's limit with some room.
import { expect, test } from 'vitest'
import { postgresServer } from '../servers/postgres.ts'
import { measure } from './measure.ts'
import { duckdbTarget, parquetTarget, postgresTarget } from './targets.ts'

/** A guard against growth, with room for what other Nodes and busy machines add: the scripts hold the limits themselves. */
const ROOM_MIB = 50
const TIMEOUT_MS = 180_000

// PEERS: dlt #2221
// PEERS: dlt #3030
// PEERS: dlt not tested memory ceiling
// PEERS: airbyte#60813
test(
  `200,000 records are loaded into DuckDB, merged by key, within ${duckdbTarget.limitMiB + ROOM_MIB} MiB`,
  async () => {
    const { rows, peakMiB } = await measure(200_000, duckdbTarget)
    expect(rows).toBe(200_000)
    expect(peakMiB).toBeLessThan(duckdbTarget.limitMiB + ROOM_MIB)
  },
  TIMEOUT_MS,
)

test(
  `200,000 records are loaded into Parquet files within ${parquetTarget.limitMiB + ROOM_MIB} MiB`,
  async () => {
    const { rows, peakMiB } = await measure(200_000, parquetTarget)
    expect(rows).toBe(200_000)
    expect(peakMiB).toBeLessThan(parquetTarget.limitMiB + ROOM_MIB)
  },
  TIMEOUT_MS,
)

test(
  `200,000 records are loaded into PostgreSQL, merged by key, within ${postgresTarget('').limitMiB + ROOM_MIB} MiB`,
  async () => {
    await using database = await postgresServer()
    const target = postgresTarget(database.url)
    const { rows, peakMiB } = await measure(200_000, target)
    expect(rows).toBe(200_000)
    expect(peakMiB).toBeLessThan(target.limitMiB + ROOM_MIB)
  },
  TIMEOUT_MS,
)
