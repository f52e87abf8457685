import { UnsupportedError } from '../../destinations/errors.ts'
import { formatCount } from '../../observe/format.ts'
import { formatTable } from '../../observe/table.ts'
import type { LoadRecord } from '../../ports/destination.ts'
import { exitCodes } from '../exit-code.ts'
import { openPipeline } from '../open-pipeline.ts'

export interface LoadsCommandOptions {
  readonly stream?: string
  readonly limit: number
  readonly json?: boolean
}

/** `sluice loads`: what was committed, the last load first. */
export async function loadsCommand(file: string | undefined, options: LoadsCommandOptions): Promise<number> {
  await using assembled = await openPipeline(file, { needs: 'nothing' })
  const { destination } = assembled.parts
  await using session = await destination.open(assembled.pipeline.name, { readOnly: true })
  if (session.loads === undefined) throw new UnsupportedError(destination.description, 'list its loads')
  const { stream, limit } = options
  const loads = await session.loads({ limit, ...(stream !== undefined && { stream }) })
  process.stdout.write(`${options.json ? JSON.stringify(loads, null, 2) : formatLoads(loads)}\n`)
  return exitCodes.done
}

function formatLoads(loads: readonly LoadRecord[]): string {
  if (loads.length === 0) return 'no loads yet: nothing has been committed'
  return formatTable(
    [
      { title: 'load', align: 'left' },
      { title: 'committed', align: 'left' },
      { title: 'table', align: 'left' },
      { title: 'inserted', align: 'right' },
      { title: 'updated', align: 'right' },
      { title: 'deleted', align: 'right' },
      { title: 'unchanged', align: 'right' },
      { title: 'rejected', align: 'right' },
      { title: 'how', align: 'left' },
    ],
    loads.map((load) => [
      load.id,
      new Date(load.at).toISOString(),
      load.table,
      ...[load.inserted, load.updated, load.deleted, load.unchanged, load.rejected].map(formatCount),
      load.revertedAt === null ? (load.mode ?? '') : `reverted ${new Date(load.revertedAt).toISOString()}`,
    ]),
  ).join('\n')
}
