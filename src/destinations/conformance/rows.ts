import assert from 'node:assert/strict'
import type { DestinationSession } from '../../ports/destination.ts'
import { LongDecimal } from '../../ports/json.ts'
import { byId, type ConformanceCase, onSession, TABLE, write } from './harness.ts'

/** Rows are read back, where the session offers it. */
export const rowCases: readonly ConformanceCase[] = (
  [
    onSession('rows', 'rows: every value is read back in one form, columns as asked for', async (session) => {
      await write(session, [
        {
          id: 1,
          flag: true,
          long: 9_223_372_036_854_775_807n,
          half: 0.5,
          digits: new LongDecimal('12345678901234567890.125'),
          day: '2024-02-29',
          at: '2024-02-29T23:30:00.25+01:00',
          text: '\ufeffmark',
          nested: { b: [1, null] },
          left: 'out',
        },
        { id: 2, flag: null, long: 5, half: null, digits: 1, day: null, at: null, text: null, nested: null },
      ])
      const columns = ['id', 'flag', 'long', 'half', 'digits', 'day', 'at', 'text', 'nested']
      const [first, second, ...others] = byId(await allRows(session, TABLE, columns))
      assert.equal(others.length, 0)
      assert.deepEqual(
        { ...first, nested: JSON.parse(String(first?.['nested'])) },
        {
          id: 1,
          flag: true,
          long: '9223372036854775807',
          half: 0.5,
          digits: '12345678901234567890.125',
          day: '2024-02-29',
          at: '2024-02-29T22:30:00.25Z',
          text: '\ufeffmark',
          nested: { b: [1, null] },
        },
      )
      assert.equal(Number(second?.['digits']), 1)
      assert.deepEqual(
        { ...second, digits: null },
        {
          id: 2,
          flag: null,
          long: 5,
          half: null,
          digits: null,
          day: null,
          at: null,
          text: null,
          nested: null,
        },
      )
    }),

    onSession(
      'rows',
      'rows: many are read some at a time, beside commits; a table that is not there has none',
      async (session) => {
        assert.deepEqual(await allRows(session, 'nowhere', ['id']), [])
        const batch = (from: number) => Array.from({ length: 5000 }, (_, at) => ({ id: from + at }))
        await write(session, batch(0))
        const ids = new Set<unknown>()
        let parts = 0
        for await (const rows of session.readRows!(TABLE, ['id'])) {
          if (parts++ === 0) await write(session, batch(5000))
          for (const row of rows) ids.add(row['id'])
        }
        assert.ok(parts > 1, 'all rows came at once')
        assert.ok(ids.size >= 5000, `${ids.size} rows`)
      },
    ),
  ] satisfies ConformanceCase[]
).map((one) => ({ ...one, needs: ['readBack'] }))

async function allRows(session: DestinationSession, table: string, columns: readonly string[]) {
  const found: Record<string, string | number | boolean | null>[] = []
  for await (const rows of session.readRows!(table, columns)) found.push(...(rows as typeof found))
  return found
}
