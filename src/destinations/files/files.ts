// Files: JSON Lines, CSV or Parquet, on disk or in a bucket. Keeps C1, C2, C3, C6 and R6 with a log of manifests, each of which is a
// commit: data files are written first, under names of their own, and are there once a manifest names them.
import { systemLookup } from '../../config/system-lookup.ts'
import { parseOptions } from '../../options/parse-options.ts'
import type { SecretLookup } from '../../options/secret.ts'
import type { Destination, RunRecord } from '../../ports/destination.ts'
import type { Runtime } from '../../ports/runtime.ts'
import type { HeldReject } from '../conformance.ts'
import { DestinationError } from '../errors.ts'
import { cleanUp } from './clean-up.ts'
import { csvWriter } from './formats/csv.ts'
import { jsonLinesWriter } from './formats/json-lines.ts'
import { parquetWriter } from './formats/parquet.ts'
import type { RowWriter } from './formats/row-writer.ts'
import { type ListedTable, listTables } from './list-tables.ts'
import { ManifestLog } from './manifest/log.ts'
import type { PipelineState } from './manifest/state.ts'
import { nonce } from './nonce.ts'
import { type FilesInput, type FilesOptions, files, filesOptions } from './options.ts'
import { readRejects } from './rejects.ts'
import { readRuns } from './runs.ts'
import { pipelineFolder } from './safe-name.ts'
import { FilesSession, type SessionParts } from './session.ts'
import type { ObjectStore } from './store/object-store.ts'
import { describeStore, openStore } from './store/open-store.ts'

export type { ListedFile, ListedTable } from './list-tables.ts'
export { type FilesInput, type FilesOptions, files, filesOptions } from './options.ts'

export interface FilesDestination extends Destination {
  open(pipeline: string, options?: { readonly readOnly?: boolean }): Promise<FilesSession>
  /** What is live of a pipeline, by table. */
  list(pipeline: string): Promise<readonly ListedTable[]>
  /** The pipeline's rejects, each once. */
  rejects(pipeline: string): Promise<readonly HeldReject[]>
  /** The records of the pipeline's runs, in the order in which they began. */
  runs(pipeline: string): Promise<readonly RunRecord[]>
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
  const { grace: graceMs } = options
  const { runtime: given, lookup = systemLookup, directory = '.' } = surroundings

  const enter = async (pipeline: string, readOnly: boolean): Promise<SessionParts> => {
    const { store, runtime } = openStore(options, { lookup, directory, ...(given && { runtime: given }) })
    const base = pipelineFolder(pipeline)
    const own = `${base}_sluice/`
    const log = new ManifestLog(store, own, runtime)
    try {
      await log.refresh()
      refuseForeign(log.state, pipeline, store.location(base))
      if (!readOnly) {
        await refuseCareless(store, own, runtime.random)
        await log.publish({ kind: 'begin', pipeline })
        refuseForeign(log.state, pipeline, store.location(base))
        await cleanUp(store, log, { base, own, graceMs })
      }
    } catch (error) {
      await store[Symbol.asyncDispose]()
      throw error
    }
    return { store, log, writer: writerFor(options), runtime, base, own, readOnly, graceMs }
  }

  /** Looks at what is committed. */
  const look = async <Result>(pipeline: string, work: (parts: SessionParts) => Promise<Result>) => {
    const parts = await enter(pipeline, true)
    await using _store = parts.store
    return await work(parts)
  }

  return {
    kind: 'files',
    description: describeStore(options, directory),
    capabilities: { transactionalDdl: true, merge: false, history: false, revert: true, readBack: true },
    open: async (pipeline, { readOnly = false } = {}) => new FilesSession(await enter(pipeline, readOnly)),
    list: (pipeline) => look(pipeline, async (parts) => listTables(parts)),
    rejects: (pipeline) => look(pipeline, ({ store, base, log }) => readRejects(store, base, log.state)),
    runs: (pipeline) => look(pipeline, ({ store, own }) => readRuns(store, own)),
  }
}

/**
 * Refuses the log of another pipeline: a file system may take two names for one, as where it does not tell capitals from small letters.
 * @throws DestinationError
 */
function refuseForeign({ sequence, pipeline }: PipelineState, asked: string, folder: string): void {
  if (sequence < 0 || pipeline === asked) return
  throw new DestinationError(
    `files ${folder}`,
    `the folder holds the pipeline ${JSON.stringify(pipeline)}, and ${JSON.stringify(asked)} would share its checkpoints. Nothing was changed; give one of them another name, or another path`,
  )
}

/**
 * Refuses a store that writes over what is there though it was asked not to: two writers would both believe that they had committed.
 * @throws DestinationError (C2)
 */
async function refuseCareless(store: ObjectStore, own: string, random: () => number): Promise<void> {
  const create = () => store.create(`${own}probe`, Buffer.from(`${nonce(random)}\n`))
  // Where there is one, which is so but for the first time, one attempt tells.
  if (!(await create()) || !(await create())) return
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
