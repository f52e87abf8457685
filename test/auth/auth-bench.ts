import type { AuthContext } from '../../src/auth/auth-context.ts'
import { memoryTokenStore } from '../../src/auth/token-store.ts'
import type { SluiceEvent } from '../../src/ports/events.ts'
import type { HttpRequest, Runtime, Transport } from '../../src/ports/runtime.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { type ScriptedReply, scriptedTransport } from '../../src/testing/scripted-transport.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'

/** A context whose time is told, whose network is a script, and that keeps what it was told. */
export function authBench(
  options: {
    readonly replies?: Iterable<ScriptedReply>
    readonly transport?: Transport
    readonly variables?: Readonly<Record<string, string>>
    readonly context?: Partial<AuthContext>
  } = {},
) {
  const clock = fakeClock()
  const transport = scriptedTransport(options.replies ?? [])
  const runtime: Runtime = { clock, transport: options.transport ?? transport, random: seededRandom(1) }
  const events: SluiceEvent[] = []
  const secrets: string[] = []
  const context: AuthContext = {
    runtime,
    lookup: (name) => options.variables?.[name],
    tokenStore: memoryTokenStore(),
    onEvent: (event) => events.push(event),
    onSecret: (value) => secrets.push(value),
    source: 'desk',
    ...options.context,
  }
  return { clock, requests: transport.requests, runtime, events, secrets, context }
}

export function get(url: string, headers: Record<string, string> = {}): HttpRequest {
  return { method: 'GET', url, headers }
}

/** The message that a promise rejects with. */
export async function messageOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => {
      throw new Error('it resolved')
    },
    (error: Error) => error.message,
  )
}
