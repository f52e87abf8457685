// One scenario: the whole client, from retries to transport, against the model of its API, on a simulated clock.
import { setMaxListeners } from 'node:events'
import { memoryTokenStore } from '../../src/auth/token-store.ts'
import { openClient } from '../../src/config/open-client.ts'
import type { Client } from '../../src/http/client.ts'
import type { Consume } from '../../src/http/layer.ts'
import type { Value } from '../../src/ports/json.ts'
import type { Runtime } from '../../src/ports/runtime.ts'
import { createQuotaRegistry } from '../../src/quota/registry.ts'
import { memoryQuotaStore } from '../../src/quota/store/memory-quota-store.ts'
import { judgeErrorBody } from '../../src/source/reactions/judge-success.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { simulationClock } from '../../src/testing/simulation-clock.ts'
import type { Scenario } from './scenario.ts'
import { type Decision, scenarioServer } from './server/server.ts'

export interface ScenarioResult {
  /** Of the limit that was used least: what a client that knows everything could have had, in the limit's unit. */
  readonly granted: number
  readonly used: number
  readonly usedShare: number
  /** Requests that were counted. */
  readonly requests: number
  readonly refused: number
  /** Of all requests that arrived. */
  readonly refusedShare: number
  /** Requests of others that were counted. */
  readonly neighbours: number
  /** All waits for quota together, in milliseconds. */
  readonly waitedMs: number
  /** What readers were told, by message: they go on after it. */
  readonly failures: ReadonlyMap<string, number>
}

export interface SimulateOptions {
  readonly seed: number
  /** Simulated milliseconds. */
  readonly forMs: number
  readonly onDecision?: (decision: Decision) => void
}

const midnight = Date.parse('2026-01-31T00:00:00Z')
/** A reader that was told of a failure asks again after so long. */
const afterFailureMs = 1000

export async function simulate(
  scenario: Scenario,
  { seed, forMs, onDecision }: SimulateOptions,
): Promise<ScenarioResult> {
  const start = midnight + scenario.server.begins
  const clock = simulationClock(start)
  const random = seededRandom(seed)
  const server = scenarioServer({ scenario, clock, random, ...(onDecision && { onDecision }) })
  const runtime: Runtime = { transport: server.transport, clock, random }
  const end = new AbortController()
  // Every wait of every reader listens to it.
  setMaxListeners(0, end.signal)
  const failures = new Map<string, number>()
  let waitedMs = 0

  // Processes have nothing in common but the store.
  const store = memoryQuotaStore(clock)
  const clients = Array.from({ length: scenario.processes }, () =>
    openClient(
      'api',
      { ...scenario.source, baseUrl: 'https://api.example.com/' },
      {
        runtime,
        ...(scenario.processes > 1 && { quotaRegistry: createQuotaRegistry({ store }) }),
        tokenStore: memoryTokenStore(),
        onEvent(event) {
          if (event.type === 'quota.wait') waitedMs += event.delayMs
        },
      },
    ),
  )
  const read = async (client: Client, { path, headers }: Scenario['readers'][number]) => {
    while (!end.signal.aborted) {
      try {
        await client.request(
          { method: 'GET', url: path, query: {}, headers },
          (response, url, charge) => consume(response, url, charge, runtime),
          { signal: end.signal, stream: path },
        )
      } catch (error) {
        if (end.signal.aborted) return
        const message = error instanceof Error ? error.message : String(error)
        failures.set(message, (failures.get(message) ?? 0) + 1)
        await clock.sleep(afterFailureMs, end.signal).catch(() => {})
      }
    }
  }
  const readers = clients.flatMap((client) =>
    scenario.readers.flatMap((group) => Array.from({ length: group.count }, () => read(client, group))),
  )
  await clock.run(start + forMs - 1)
  end.abort(new Error('the time is over'))
  await Promise.all(readers)
  for (const client of clients) await client[Symbol.asyncDispose]()

  const { counted, refused, neighbours } = server.tally
  return {
    ...server.worst(start + forMs),
    usedShare: server.usedShare(start + forMs),
    requests: counted,
    refused,
    refusedShare: counted + refused === 0 ? 0 : refused / (counted + refused),
    neighbours,
    waitedMs,
    failures,
  }
}

/** As a stream does: a refusal under a success is thrown inside the attempt. */
async function consume(
  ...[response, url, charge, { clock }]: [...Parameters<Consume<void>>, Runtime]
): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  const body = JSON.parse(text) as { [field: string]: Value }
  charge({ body })
  if (body['errors'] === undefined) return
  const { status, headers } = response
  const answer = { method: 'GET', url, status, headers, body, text: () => text }
  throw judgeErrorBody(new Error(text), answer, { clock, react: undefined, about: undefined })
}
