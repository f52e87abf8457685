// `npm run bench:quotas`: the same pages under a limit of 50 requests in any second, by Sluice and by what one writes without it, within one
// run; and what a quota itself costs. `-- --json` prints one object.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type QuotaCase, quotaCases } from './quota-cases.ts'
import { inLayer, longLine, manyTenants, uncontended } from './quota-cost.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    pages: { type: 'string', default: '300' },
    limit: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
  },
})
const pages = Number(values.pages)
const limit = Number(values.limit)
const rounds = Number(values.rounds)

interface Served {
  readonly answered: number
  readonly refused: number
}

const server = fork(fileURLToPath(new URL('./quota-server.js', import.meta.url)), [values.limit])
const [{ port }] = (await once(server, 'message')) as [{ port: number }]
const origin = `http://127.0.0.1:${port}`

async function time({ name, run }: QuotaCase): Promise<{ seconds: number; refused: number }> {
  const began = performance.now()
  await run(origin, pages, limit)
  const seconds = (performance.now() - began) / 1000
  server.send('count')
  const [{ answered, refused }] = (await once(server, 'message')) as [Served]
  if (answered !== pages) throw new Error(`${name} got ${answered} pages instead of ${pages}`)
  // The last window of one case must not be the first one of the next.
  await new Promise((resolve) => setTimeout(resolve, 1100))
  return { seconds, refused }
}

const measured = new Map(quotaCases.map((one) => [one.name, [] as { seconds: number; refused: number }[]]))
for (let round = 0; round < rounds; round++)
  for (const one of quotaCases) measured.get(one.name)!.push(await time(one))
server.disconnect()

const costs = await uncontended(200_000)
const layer = await inLayer(200_000)
const line = await longLine(10_000)
const tenants = await manyTenants(10_000)

const median = (numbers: readonly number[]) =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!
const results = quotaCases.map(({ name, what }) => {
  const times = measured.get(name)!
  return {
    name,
    what,
    seconds: median(times.map(({ seconds }) => seconds)),
    refused: median(times.map(({ refused }) => refused)),
  }
})

if (values.json) {
  const entries = results.map(({ name, seconds, refused }) => [
    name,
    { seconds: Number(seconds.toFixed(2)), refused },
  ])
  console.log(
    JSON.stringify({
      ...Object.fromEntries(entries),
      acquireMicroseconds: costs,
      layerMicroseconds: layer,
      line,
      tenants,
    }),
  )
} else {
  console.log(
    `${pages} pages, ${limit} requests in any second, answers in 20 to 60 ms; the median of ${rounds} rounds\n`,
  )
  console.log('case         seconds  refused')
  for (const { name, what, seconds, refused } of results)
    console.log(
      `${name.padEnd(12)} ${seconds.toFixed(2).padStart(7)}  ${String(refused).padStart(7)}   ${what}`,
    )
  console.log('\nto take of a quota that allows it, be answered and give back:')
  for (const [name, microseconds] of Object.entries(costs))
    console.log(`${name.padEnd(12)} ${microseconds.toFixed(2).padStart(7)} µs`)
  console.log(
    `\nin the client, of an account with two quotas, its places and what the API may report: ${layer.acquire.toFixed(2)} µs to acquire, ${layer.all.toFixed(2)} µs in all\n`,
  )
  for (const [what, { waiters, ms, inOrder, timers }] of [
    ['waiters of one bucket', line],
    ['tenants, each with a bucket of its own, and one of all', tenants],
  ] as const)
    console.log(
      `${waiters.toLocaleString('en-US')} ${what}: ${ms.toFixed(0)} ms, ${inOrder ? 'in order' : 'NOT IN ORDER'}, ${timers} timer${timers === 1 ? '' : 's'}`,
    )
}
