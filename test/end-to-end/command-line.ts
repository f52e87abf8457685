// Runs the built command line as a real process, as a scheduler would: no terminal, its own environment.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CREDENTIALS } from '../../sandbox/tokens.ts'
import { duckdbDestination } from '../../src/destinations/duckdb/duckdb.ts'

export const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly ended: Promise<Ended>
  /** Resolves when stdout or stderr holds the text: with the match and its groups. */
  said(text: string | RegExp): Promise<RegExpMatchArray>
  kill(signal: NodeJS.Signals): void
}

/** A folder of its own for one test file, with the variables that the pipelines in it name. */
export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  env: Record<string, string> = {}

  path(name: string): string {
    return join(this.folder, name)
  }
  write(name: string, text: string): string {
    writeFileSync(this.path(name), text)
    return name
  }
  start(...args: string[]): Running {
    return this.#spawn(process.execPath, [main, ...args])
  }
  /** Any other program of Node, as `node file …`. */
  node(...args: string[]): Promise<Ended> {
    return this.#spawn(process.execPath, args).ended
  }
  sluice(...args: string[]): Promise<Ended> {
    return this.start(...args).ended
  }
  /** The same inside a pseudo terminal of 100 columns, from util-linux. */
  inTerminal(...args: string[]): Promise<Ended> {
    const words = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ')
    return this.#spawn('script', ['-qec', `stty cols 100 rows 40; ${words}`, '/dev/null']).ended
  }
  async query(file: string, sql: string): Promise<readonly Record<string, unknown>[]> {
    return await duckdbDestination({ path: this.path(file) }).query(sql)
  }
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #spawn(command: string, args: readonly string[]): Running {
    const { PATH = '', HOME = '', TMPDIR } = process.env
    const child = spawn(command, args, {
      cwd: this.folder,
      env: { PATH, HOME, ...(TMPDIR !== undefined && { TMPDIR }), TERM: 'xterm', ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    const listeners = new Set<() => void>()
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
      for (const listener of listeners) listener()
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
      for (const listener of listeners) listener()
    })
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, stdout, stderr }))
    })
    return {
      ended,
      said: (text) =>
        new Promise((resolve, reject) => {
          const wanted = typeof text === 'string' ? new RegExp(text.replace(/[^\w\s]/g, '\\$&')) : text
          const look = () => {
            const match = stdout.match(wanted) ?? stderr.match(wanted)
            if (match === null) return
            listeners.delete(look)
            resolve(match)
          }
          listeners.add(look)
          look()
          void ended.then(({ code }) => {
            look()
            reject(new Error(`it ended with ${code} before it said ${text}:\n${stderr}`))
          })
        }),
      kill: (signal) => child.kill(signal),
    }
  }
}

/** The variables that `threeSources` names, for a sandbox at `url`. */
export function sandboxVariables(url: string): Record<string, string> {
  return {
    DESK_URL: `${url}/desk/api/v2`,
    DESK_TOKEN_URL: `${url}/desk/oauth/tokens`,
    DESK_CLIENT_ID: CREDENTIALS.desk.clientId,
    DESK_CLIENT_SECRET: CREDENTIALS.desk.clientSecret,
    PAY_URL: `${url}/pay/v1`,
    PAY_KEY: CREDENTIALS.pay.secretKey,
    TRACK_URL: `${url}/track/api`,
    TRACK_USER: 'sluice.service',
    TRACK_SECRET: 'track-sandbox-secret',
  }
}

/** The example's pipeline with three days of the export in place of a month, since its quota is 3 requests a second. */
export const threeSources = `
name: three_sources
destination: { type: duckdb, path: warehouse.duckdb }
sources:
  desk:
    type: rest
    baseUrl: \${env:DESK_URL}
    auth:
      type: oauth2
      grant: client_credentials
      tokenUrl: \${env:DESK_TOKEN_URL}
      clientId: \${env:DESK_CLIENT_ID}
      clientSecret: \${env:DESK_CLIENT_SECRET}
      clientAuth: body
      bodyFormat: json
    streams:
      users: &changes
        path: incremental/users/cursor
        records: users
        paginate: { type: cursor, token: after_cursor, param: cursor, more: '!end_of_stream', persist: true }
        incremental: { by: position, start: { param: start_time, value: 2025-01-01, format: epoch } }
        key: id
      tickets: { <<: *changes, path: incremental/tickets/cursor, records: tickets }
  pay:
    type: rest
    baseUrl: \${env:PAY_URL}
    auth: { type: bearer, token: "\${env:PAY_KEY}" }
    quotas: [{ requests: 25, per: 1s, burst: 5 }]
    streams:
      transactions:
        path: balance_transactions
        records: data
        paginate: { type: keyset, field: id, param: starting_after, more: has_more, size: { param: limit, value: 100 } }
        incremental: { by: time, field: created, param: 'created[gte]', start: 2025-01-01, format: epoch }
        key: id
  track:
    type: rest
    baseUrl: \${env:TRACK_URL}
    auth: { type: basic, username: "\${env:TRACK_USER}", password: "\${env:TRACK_SECRET}" }
    query: { project_id: 1 }
    streams:
      events:
        path: query/events
        records: results
        unwrap: properties
        paginate: { type: offset, total: total, size: { param: limit, value: 1000 } }
        key: $insert_id
        write: append
      export:
        path: 2.0/export
        format: jsonl
        unwrap: properties
        paginate: { type: none }
        slices:
          by: time
          size: 1d
          start: 2d
          from: { param: from_date, format: date }
          to: { param: to_date, format: date, inclusive: true }
        quotas: [{ requests: 3, per: 1s }]
        key: $insert_id
`
