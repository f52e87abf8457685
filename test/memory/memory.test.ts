// A slice of `npm run memory`: a tenth of the records, under the same limit.
import { expect, test } from 'vitest'
import { LIMIT_MIB, measure } from './measure.ts'

test(`200,000 records are loaded into DuckDB, merged by key, within ${LIMIT_MIB} MiB`, async () => {
  const { rows, ids, peakMiB } = await measure(200_000)
  expect(rows).toBe(200_000)
  expect(ids).toBe(200_000)
  expect(peakMiB).toBeLessThan(LIMIT_MIB)
}, 120_000)
