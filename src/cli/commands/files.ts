import { resolve, sep } from 'node:path'
import { systemLookup } from '../../config/system-lookup.ts'
import { UnsupportedError } from '../../destinations/errors.ts'
import { createFilesDestination, type ListedTable } from '../../destinations/files/files.ts'
import { bucketPlace } from '../../destinations/files/options.ts'
import { ConfigError } from '../../errors.ts'
import { formatCount } from '../../observe/format.ts'
import { formatTable } from '../../observe/table.ts'
import { nearest } from '../../options/nearest.ts'
import { exitCodes } from '../exit-code.ts'
import { loadNamedOrDefault } from '../pipeline-file.ts'

export interface FilesCommandOptions {
  readonly stream?: string
  readonly sql?: boolean
  readonly json?: boolean
}

/** Files of a table that are listed one by one. */
const SHOWN_FILES = 20

/** `sluice files`: what is live in a files destination, and the statements that read it. */
export async function filesCommand(file: string | undefined, options: FilesCommandOptions): Promise<number> {
  const { pipeline, directory } = await loadNamedOrDefault(file)
  const { destination: settings } = pipeline
  if (settings.type !== 'files')
    throw new UnsupportedError(
      `destination ${settings.type}`,
      'list its files: it has tables',
      'Look into them with SQL',
    )
  const destination = createFilesDestination(settings, { directory, lookup: systemLookup })
  const tables = named(await destination.list(pipeline.name), options.stream)
  const root = bucketPlace(settings.path) === undefined ? resolve(directory, settings.path) : settings.path
  process.stdout.write(`${render(tables, options, root)}\n`)
  return exitCodes.done
}

function render(
  tables: readonly ListedTable[],
  { sql, json }: FilesCommandOptions,
  /** What the listed paths are relative to. */
  root: string,
): string {
  if (json) return JSON.stringify(tables, null, 2)
  if (sql) return tables.map(viewOf).join('\n')
  if (tables.length === 0) return 'no files yet: nothing has been loaded'
  return [`in ${root}`, ...tables.map((table) => formatListed(table, root))].join('\n\n')
}

/** The tables of a stream, or the one of that name. */
function named(tables: readonly ListedTable[], name: string | undefined): readonly ListedTable[] {
  if (name === undefined) return tables
  const found = tables.filter(
    ({ table, files }) => table === name || files.some(({ stream }) => stream === name),
  )
  if (found.length > 0) return found
  const names = tables.flatMap(({ table, files }) => [table, ...files.map(({ stream }) => stream)])
  const near = nearest(name, [...new Set(names)])
  throw new ConfigError(
    '',
    `nothing is live of a stream or table ${JSON.stringify(name)}; ${near === undefined ? '`sluice files` lists what is' : `did you mean ${near}?`}`,
  )
}

function viewOf({ table, sql }: ListedTable): string {
  return `CREATE OR REPLACE VIEW "${table.replaceAll('"', '""')}" AS\n${sql};`
}

function formatListed({ table, rows, files }: ListedTable, root: string): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const head = `${table}: ${formatCount(rows)} rows in ${formatCount(files.length)} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}`
  if (files.length === 0) return head
  const hidden = Math.max(0, files.length - SHOWN_FILES)
  const lines = formatTable(
    [
      { title: 'file', align: 'left' },
      { title: 'rows', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'load', align: 'left' },
      { title: 'committed', align: 'left' },
    ],
    files
      .slice(hidden)
      .map((file) => [
        below(root, file.location),
        formatCount(file.rows),
        formatBytes(file.bytes),
        file.loadId,
        new Date(file.at).toISOString(),
      ]),
  )
  const more = hidden > 0 ? [`… ${formatCount(hidden)} earlier; --json shows all`] : []
  return [head, ...more, ...lines].join('\n')
}

/** A path without its beginning, where that is the root. */
function below(root: string, location: string): string {
  const start = /[\\/]$/.test(root) ? root : `${root}${location.startsWith('s3:') ? '/' : sep}`
  return location.startsWith(start) ? location.slice(start.length) : location
}

/** In the largest unit of 1000 that leaves a whole number before the point. */
function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  const value = bytes / 1000 ** unit
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}
