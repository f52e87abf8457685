import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type PostgresServer, postgresServer } from '../../../test/servers/postgres.ts'
import { DestinationError } from '../errors.ts'
import { connectTo, destinationAt } from './test-database.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)
afterEach(() => {
  vi.useRealTimers()
})

test('the server notices within a minute and a half that a machine is gone, and with it the claims of its runs', async () => {
  const connection = await connectTo(server.url)
  const names = [
    'tcp_keepalives_idle',
    'tcp_keepalives_interval',
    'tcp_keepalives_count',
    'tcp_user_timeout',
    'idle_in_transaction_session_timeout',
  ]
  const settings: string[] = []
  for (const name of names) settings.push((await connection.rows<[string]>(`SHOW ${name}`))[0]![0])
  await connection.close()
  // What the system holds, not what was asked of it: over TCP the server asks its socket.
  expect(settings).toEqual(['60', '10', '3', '90000', '10min'])
})

test('a server that accepts a connection and says nothing is given up after a while, and said to be out of reach', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => sockets.push(socket))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const accepted = once(silent, 'connection')
  const { port } = silent.address() as AddressInfo
  const opening = destinationAt(`postgres://someone:open-sesame@127.0.0.1:${port}/warehouse`, 'public')
    .open('p')
    .catch((error: unknown) => error)
  await accepted
  await vi.advanceTimersByTimeAsync(15_000)
  const error = (await opening) as Error
  for (const socket of sockets) socket.destroy()
  silent.close()
  expect(error).toBeInstanceOf(DestinationError)
  expect(error.message).toBe(
    `postgres 127.0.0.1:${port}/warehouse: the server can’t be reached. See whether it runs, and whether url names its host and port (pg: timeout expired)`,
  )
})
