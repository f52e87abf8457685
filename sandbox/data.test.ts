import { expect, test } from 'vitest'
import { testWorld } from './ask.ts'
import { firstProjectAfter, projectId, transactionId, transactionIndex } from './data.ts'
import { split, TABLES, type TruthRow } from './world.ts'

const { sandbox } = testWorld({ records: { ...split(20_000), projects: 2_000 }, seed: 5 })
const all = (table: (typeof TABLES)[number]): TruthRow[] => [...sandbox.truth[table]()]

test.each(TABLES)('every record of %s is valid JSON of a realistic size and carries its key', (table) => {
  const rows = all(table)
  expect(rows.length).toBeGreaterThan(1_000)
  expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length)
  for (const { key, json } of rows) {
    const record = JSON.parse(json)
    expect(String(record.id ?? record.properties.$insert_id)).toBe(key)
    expect(Buffer.byteLength(json)).toBeGreaterThan(350)
    expect(Buffer.byteLength(json)).toBeLessThan(850)
  }
})

test('some transactions and events hold integers that a double cannot hold, and all fit 64 bits', () => {
  const amounts = all('transactions').flatMap(({ json }) => /"amount":(\d{17,})/.exec(json)?.[1] ?? [])
  const traces = all('events').flatMap(({ json }) => /"trace_id":(\d+)/.exec(json)?.[1] ?? [])
  expect(amounts.length).toBeGreaterThan(0)
  expect(traces.length).toBeGreaterThan(0)
  for (const text of [...amounts, ...traces]) {
    expect(BigInt(text)).toBeGreaterThan(2n ** 53n)
    expect(BigInt(text)).toBeLessThan(2n ** 63n)
  }
})

test('the net of a transaction is its amount less its fee, also beyond 2^53', () => {
  for (const { json } of all('transactions')) {
    const [, amount, fee, net] = /"amount":(\d+).*?"fee":(\d+).*?"net":(-?\d+)/s.exec(json) ?? []
    expect(BigInt(net as string)).toBe(BigInt(amount as string) - BigInt(fee as string))
  }
})

test('a score is an integer in early tickets and a decimal in later ones, and a field appears late', () => {
  const tickets = all('tickets')
  expect(tickets[0]?.json).toMatch(/"effort_score":\d,/)
  expect(tickets.at(-1)?.json).toMatch(/"effort_score":\d\.\d,/)
  expect(tickets[0]?.json).not.toContain('ai_summary')
  expect(tickets.at(-1)?.json).toContain('"ai_summary":')
})

test('the exchange rate is null at first, then an integer, a decimal, and a decimal of more digits than a double holds', () => {
  const rates = all('transactions').map(({ json }) => /"exchange_rate":([^,]+),/.exec(json)?.[1] as string)
  expect(new Set(rates.slice(0, 200))).toEqual(new Set(['null']))
  expect(rates).toContain('1')
  expect(rates.some((rate) => /^0\.\d{1,5}$/.test(rate))).toBe(true)
  expect(rates.some((rate) => /^0\.\d{18,}$/.test(rate))).toBe(true)
})

test('an id of a transaction leads back to its index, and an id of another world does not', () => {
  for (const index of [0, 1, 35, 36, 123_456, 2_000_000]) {
    expect(transactionIndex(5, transactionId(5, index))).toBe(index)
    expect(transactionIndex(6, transactionId(5, index))).toBeUndefined()
  }
  expect(transactionIndex(5, 'txn_nonsense')).toBeUndefined()
})

test('ids of projects grow with gaps, and the first one after any id is found', () => {
  const ids = Array.from({ length: 300 }, (_, index) => projectId(5, index))
  const gaps = ids.slice(1).map((id, index) => id - ids[index]!)
  expect(Math.min(...gaps)).toBeGreaterThan(0)
  expect(new Set(gaps).size).toBeGreaterThan(5)
  for (let id = ids[0]! - 20; id < ids[299]!; id++)
    expect(firstProjectAfter(5, id)).toBe(ids.findIndex((other) => other > id))
  expect(firstProjectAfter(5, 0)).toBe(0)
})
