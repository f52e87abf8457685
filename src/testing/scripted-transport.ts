import type { HttpRequest, HttpResponse, Transport } from '../ports/runtime.ts'

/** One scripted answer: a response, an error to throw, or a function of the request. */
export type ScriptedReply =
  | {
      /** Default 200. */
      readonly status?: number
      readonly headers?: HttpResponse['headers']
      /** Text or bytes are sent as they are; anything else as JSON. */
      readonly body?: unknown
      /** The body breaks off with this error after what `body` says. */
      readonly bodyError?: Error
    }
  | Error
  | ((request: HttpRequest) => ScriptedReply | Promise<ScriptedReply>)

export interface ScriptedTransport extends Transport {
  /** What was asked, in order. */
  readonly requests: readonly HttpRequest[]
}

/** A transport that answers from a list, in order, and throws when the list has come to its end. */
export function scriptedTransport(replies: Iterable<ScriptedReply>): ScriptedTransport {
  const requests: HttpRequest[] = []
  const script = replies[Symbol.iterator]()
  const transport = async (request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> => {
    signal?.throwIfAborted()
    requests.push(request)
    const step = script.next()
    if (step.done)
      throw new Error(
        `the script has no reply to request ${requests.length}: ${request.method} ${request.url}`,
      )
    let reply: ScriptedReply = step.value
    while (typeof reply === 'function') reply = await reply(request)
    if (reply instanceof Error) throw reply
    return respond(reply)
  }
  return Object.assign(transport, { requests })
}

function respond(reply: Exclude<ScriptedReply, Error | ((request: HttpRequest) => unknown)>): HttpResponse {
  const { body = '', bodyError } = reply
  const bytes =
    body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return {
    status: reply.status ?? 200,
    headers: reply.headers ?? { 'content-type': 'application/json' },
    body: (async function* () {
      if (bytes.length > 0) yield bytes
      if (bodyError) throw bodyError
    })(),
    discard: async () => {},
  }
}
