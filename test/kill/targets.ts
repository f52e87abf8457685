// The destinations that processes are killed over. Another one is one entry more.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { destinationAt as duckdbAt } from '../../src/destinations/duckdb/test-warehouse.ts'
import { readQuery } from '../../src/destinations/postgres/query.ts'
import { connectTo, runSql } from '../../src/destinations/postgres/test-database.ts'
import type { WriteMode } from '../../src/ports/source.ts'
import { type PostgresServer, postgresServer } from '../servers/postgres.ts'
import { lookIntoFiles } from './files-warehouse.ts'
import { type Contents, lookBySql, type Tables } from './warehouse.ts'

export type TargetName = 'duckdb' | 'postgres' | 'files'

export interface Target {
  readonly name: TargetName
  readonly title: string
  readonly writes: ReadonlySet<WriteMode>
  /** Room for one pipeline. */
  place(): Promise<Place>
}

/** Where one pipeline loads to. */
export interface Place extends AsyncDisposable {
  /** The pipeline's `destination`. */
  readonly destination: object
  /** What is there, as the next process would find it. `directory`: that of the pipeline file. */
  look(directory: string, tables: Tables): Promise<Contents>
}

const nothingToRemove = async () => {}

const duckdb: Target = {
  name: 'duckdb',
  title: 'DuckDB',
  writes: new Set(['append', 'merge', 'replace', 'history', 'delete', 'reconcile']),
  place: async () => ({
    destination: { type: 'duckdb', path: 'warehouse.duckdb' },
    async look(directory, tables) {
      await using session = await duckdbAt(join(directory, 'warehouse.duckdb')).open('killed', {
        readOnly: true,
      })
      return await lookBySql((sql) => session.query(sql), 'main', tables)
    },
    [Symbol.asyncDispose]: nothingToRemove,
  }),
}

const files: Target = {
  name: 'files',
  title: 'Files (Parquet, on disk)',
  writes: new Set(['append', 'replace']),
  place: async () => ({
    destination: { type: 'files', path: 'lake' },
    async look(directory, tables) {
      const path = join(directory, 'lake')
      await mkdir(path, { recursive: true })
      return lookIntoFiles(path, tables)
    },
    [Symbol.asyncDispose]: nothingToRemove,
  }),
}

let schemas = 0

/** A schema of its own in a server for each pipeline. `url`: by which way processes reach it; by default the server's own. */
export function postgresOn(server: Pick<PostgresServer, 'url'>, url = server.url): Target {
  return {
    name: 'postgres',
    title: 'PostgreSQL',
    writes: duckdb.writes,
    async place() {
      const schema = `kill_${++schemas}`
      return {
        destination: { type: 'postgres', url, schema },
        async look(_directory, tables) {
          const connection = await connectTo(server.url)
          try {
            await connection.script(`SET search_path TO ${schema}`)
            return await lookBySql((sql) => readQuery(connection, sql), schema, tables)
          } finally {
            await connection.close()
          }
        },
        async [Symbol.asyncDispose]() {
          await runSql(server.url, `DROP SCHEMA IF EXISTS ${schema} CASCADE`)
        },
      }
    },
  }
}

export interface Targets extends AsyncDisposable {
  readonly all: readonly Target[]
  readonly postgres: PostgresServer
}

/** All of them, with a server for those that need one. */
export async function startTargets(): Promise<Targets> {
  const server = await postgresServer()
  return {
    all: [duckdb, postgresOn(server), files],
    postgres: server,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** The destinations that need no server. */
export const onDisk = { duckdb, files } as const
