// Files: JSON Lines, CSV or Parquet, on disk or in a bucket. Keeps C1, C2, C3, C6 and R6 with a log of manifests, each of which is a
// commit: data files are written first, under names of their own, and are there once a manifest names them.
import { resolve } from 'node:path'
import { systemLookup } from '../../config/system-lookup.ts'
import { systemRuntime } from '../../http/system-runtime.ts'
import { parseOptions } from '../../options/parse-options.ts'
import type { SecretLookup } from '../../options/secret.ts'
import type { Destination } from '../../ports/destination.ts'
import type { Runtime } from '../../ports/runtime.ts'
import { DestinationError } from '../errors.ts'
import { cleanUp } from './clean-up.ts'
import { csvWriter } from './formats/csv.ts'
import { jsonLinesWriter } from './formats/json-lines.ts'
import { parquetWriter } from './formats/parquet.ts'
import type { RowWriter } from './formats/row-writer.ts'
import { liveSql } from './live-sql.ts'
import { ManifestLog } from './manifest/log.ts'
import { rowsOf, type TableState } from './manifest/state.ts'
import { bucketPlace, type FilesInput, type FilesOptions, files, filesOptions } from './options.ts'
import { safeName } from './safe-name.ts'
import { FilesSession } from './session.ts'
import { DiskStore } from './store/disk-store.ts'
import type { ObjectStore } from './store/object-store.ts'

export { type FilesInput, type FilesOptions, files, filesOptions } from './options.ts'

/** A data file that is live. */
export interface ListedFile {
  /** Where it is, as a reader writes it: an absolute path, or `s3://bucket/key`. */
  readonly location: string
  readonly rows: number
  readonly bytes: number
  readonly loadId: string
  /** When its load was made, in milliseconds since 1970. */
  readonly at: number
}

/** What is live of a table. */
export interface ListedTable {
  readonly table: string
  /** The stream that loaded it last. */
  readonly stream: string
  readonly rows: number
  readonly files: readonly ListedFile[]
  /** A DuckDB statement that reads the live rows, with their types. */
  readonly sql: string
}

export interface FilesDestination extends Destination {
  open(pipeline: string, options?: { readonly readOnly?: boolean }): Promise<FilesSession>
  /** What is live of a pipeline, by table. */
  list(pipeline: string): Promise<readonly ListedTable[]>
}

/** What the destination lives in. */
export interface FilesSurroundings {
  /** Clock, chance and network. Default: the machine's. */
  readonly runtime?: Runtime
  /** Finds secrets by the name of their variable. Default: the environment. */
  readonly lookup?: SecretLookup
  /** Where a relative path starts. Default: the working directory. */
  readonly directory?: string
}

/**
 * Files as a destination of their own, without a pipeline. It opens nothing yet.
 * @throws ConfigError where an option is wrong
 */
export function filesDestination(
  options: Omit<FilesInput, 'type'>,
  surroundings: FilesSurroundings = {},
): FilesDestination {
  return createFilesDestination(parseOptions(filesOptions, files(options)), surroundings)
}

/** The destination for validated options. It opens nothing yet. */
export function createFilesDestination(
  options: FilesOptions,
  surroundings: FilesSurroundings = {},
): FilesDestination {
  const { path, grace: graceMs } = options
  const directory = surroundings.directory ?? '.'
  const place = bucketPlace(path)
  const root = place === undefined ? resolve(directory, path) : path
  const description = `files ${root}`

  const openStore = (): { store: ObjectStore; runtime: Runtime } => {
    const runtime = surroundings.runtime ?? systemRuntime()
    return { store: new DiskStore(root, runtime), runtime }
  }

  const open = async (pipeline: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) => {
    const { store, runtime } = openStore()
    const base = `${safeName(pipeline)}/`
    const own = `${base}_sluice/`
    const log = new ManifestLog(store, own, runtime)
    const session = new FilesSession({ store, log, writer: writerFor(options), runtime, base, own, readOnly, graceMs })
    try {
      await log.refresh()
      if (!readOnly) {
        await refuseCareless(store, own)
        if (log.state.sequence < 0) await log.publish({ kind: 'begin', pipeline })
        await cleanUp(store, log, { base, own, graceMs })
      }
      return session
    } catch (error) {
      await session[Symbol.asyncDispose]()
      throw error
    }
  }

  return {
    kind: 'files',
    description,
    capabilities: { transactionalDdl: true, merge: false, history: false, revert: false },
    open,
    async list(pipeline) {
      await using session = await open(pipeline, { readOnly: true })
      const { store } = openStore()
      const { tables, loads } = await session.state()
      const location = (path: string) => store.location(`${safeName(pipeline)}/${path}`)
      const listed = [...tables].map(([table, state]) => ({
        table,
        stream: loads.get(state.files.at(-1)?.loadId ?? '')?.stream ?? '',
        rows: rowsOf(state),
        files: state.files.map((file) => ({
          location: location(file.path),
          rows: file.rows,
          bytes: file.bytes,
          loadId: file.loadId,
          at: loads.get(file.loadId)!.at,
        })),
        sql: liveSql(state, location),
      }))
      await store[Symbol.asyncDispose]()
      return listed
    },
  }
}

/**
 * Refuses a store that writes over what is there though it was asked not to: two writers would both believe that they had committed.
 * @throws DestinationError (C2)
 */
async function refuseCareless(store: ObjectStore, own: string): Promise<void> {
  const probe = `${own}probe`
  const body = Buffer.from('A store that keeps If-None-Match never writes this a second time.\n')
  if (!(await store.create(probe, body))) return
  if (!(await store.create(probe, body))) return
  throw new DestinationError(
    store.description,
    'the store ignores If-None-Match: it wrote an object where one was, though it was asked not to. Two runs could both commit there, so nothing is loaded; ' +
      'use a store that keeps it (S3 does since 2024), or a newer version of this one',
  )
}

function writerFor({ format, compression }: FilesOptions): RowWriter {
  switch (format) {
    case 'jsonl':
      return jsonLinesWriter(compression)
    case 'csv':
      return csvWriter(compression)
    case 'parquet':
      return parquetWriter()
  }
}
