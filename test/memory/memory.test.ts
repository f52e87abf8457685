// A slice of `npm run memory`: a tenth of the records, under a limit with some room.
import { expect, test } from 'vitest'
import { LIMIT_MIB, measure } from './measure.ts'

// PEERS: dlt #2221
// PEERS: dlt #3030
// PEERS: dlt not tested memory ceiling
// PEERS: airbyte#60813
test(`200,000 records are loaded into DuckDB, merged by key, within ${LIMIT_MIB + 50} MiB`, async () => {
  const { rows, ids, peakMiB } = await measure(200_000)
  expect(rows).toBe(200_000)
  expect(ids).toBe(200_000)
  // A guard against growth, with room for what other Nodes and busy machines add; `npm run memory` holds the limit itself.
  expect(peakMiB).toBeLessThan(LIMIT_MIB + 50)
}, 120_000)
