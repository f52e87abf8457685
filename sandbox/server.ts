// The sandbox on a socket: node:http on 127.0.0.1. Here, and only here, it meets a file and the machine's clock.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { ConfigError } from '../src/errors.ts'
import { systemClock } from '../src/http/system-runtime.ts'
import type { Clock, HttpResponse } from '../src/ports/runtime.ts'
import { BrokenConnectionError } from './body.ts'
import type { SandboxOptions } from './options.ts'
import { createSandbox, type Sandbox } from './sandbox.ts'
import { type Round, shownAt } from './world.ts'

export interface SandboxServerOptions extends SandboxOptions {
  /** Port on 127.0.0.1. Default 0: a free one. */
  readonly port?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
  /**
   * A file that keeps the world from one start to the next: the same records, the changes so far, and at each later start one more round
   * of changes, dated two minutes back. Without it each start makes a world of its own hour. A file of another seed or size is replaced.
   */
  readonly stateFile?: string
}

export interface SandboxServer {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string
  readonly sandbox: Sandbox
  /** Stops listening and breaks what is open. */
  close(): Promise<void>
}

/** Errors: ZodError for a wrong option, ConfigError for a state file that can't be read, and what listening on the port throws (`EADDRINUSE`). */
export async function startSandbox(options: SandboxServerOptions = {}): Promise<SandboxServer> {
  const { port = 0, clock = systemClock, stateFile, ...given } = options
  const sandbox = stateFile ? keptSandbox(stateFile, given, clock) : createSandbox({ ...given, clock })
  const server = createServer({ keepAlive: true }, (request, response) => {
    serve(sandbox, request, response).catch((error: unknown) => {
      // A broken connection and a client that went away are meant; anything else is a fault of the sandbox itself and is said.
      if (error instanceof BrokenConnectionError || response.headersSent || response.destroyed) {
        request.socket.destroy()
      } else {
        response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error))
      }
    })
  })
  // Longer than any client's pool keeps a connection, so that it is not this end that closes one just as a request comes.
  server.keepAliveTimeout = 60_000
  await listen(server, port)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sandbox,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function serve(sandbox: Sandbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const abort = new AbortController()
  response.once('close', () => abort.abort(new Error('the client went away')))
  const reply = await sandbox.handle(
    {
      method: request.method ?? 'GET',
      url: `http://${request.headers.host}${request.url}`,
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(chunks),
    },
    abort.signal,
  )
  response.writeHead(reply.status, reply.headers as Record<string, string>)
  if (!(await sendBody(reply, response))) request.socket.destroy()
}

/** False if the body came to less than its Content-Length: then the connection can't be used again. */
async function sendBody(reply: HttpResponse, response: ServerResponse): Promise<boolean> {
  const announced = Number(reply.headers['content-length'] ?? Number.NaN)
  let sent = 0
  try {
    for await (const piece of reply.body) {
      sent += piece.length
      if (sent === announced) {
        response.end(piece)
        return true
      }
      if (!response.write(piece)) await drained(response)
      if (response.destroyed) return true
    }
  } catch (error) {
    await flushed(response)
    throw error
  }
  if (announced > sent) {
    await flushed(response)
    return false
  }
  response.end()
  return true
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

/** Resolves when what was written has left this process: a socket that is destroyed at once would lose the headers too. */
function flushed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve)
    response.write('', () => resolve())
  })
}

/** What a state file holds. */
interface Kept {
  /** The options that make the world: a file of another world is not this one's. */
  readonly world: string
  readonly startTime: number
  readonly rounds: readonly Round[]
}

function keptSandbox(file: string, options: SandboxOptions, clock: Clock): Sandbox {
  const { seed, records, startTime, generation = 0 } = options
  const world = JSON.stringify({ seed, records, startTime, generation })
  const kept = readKept(file, world)
  const sandbox = createSandbox({
    ...options,
    ...(kept ? { startTime: kept.startTime, history: kept.rounds } : {}),
    clock,
    onRound: save,
  })
  function save(): void {
    const state: Kept = {
      world,
      startTime: sandbox.startTime,
      rounds: sandbox.rounds.slice(generation),
    }
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(`${file}.new`, JSON.stringify(state))
    renameSync(`${file}.new`, file)
  }
  // A second later than the newest change: a reader's position is never ahead of what comes.
  const newest = sandbox.rounds.at(-1)?.at ?? 0
  if (kept) sandbox.mutate({ at: Math.max(newest + 1_000, shownAt(clock.now())), ...NEWS })
  else save()
  return sandbox
}

/** What has happened between two starts: enough to be seen in a summary. */
const NEWS = { inserts: 40, updates: 60, deletes: 5 } as const

function readKept(file: string, world: string): Kept | undefined {
  if (!existsSync(file)) return undefined
  let kept: Kept
  try {
    kept = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError(
      'stateFile',
      `${file} can't be read as a sandbox's state; delete it for a new world`,
      {
        cause: error,
      },
    )
  }
  return kept.world === world ? kept : undefined
}
