import { UnsupportedError } from '../../destinations/errors.ts'
import { formatCounted } from '../../observe/format.ts'
import { exitCodes } from '../exit-code.ts'
import { openPipeline } from '../open-pipeline.ts'

/** `sluice revert LOAD`: takes an appended load out again, with its checkpoint, in one transaction. */
export async function revertCommand(
  loadId: string,
  file: string | undefined,
  { withLater = false }: { readonly withLater?: boolean },
): Promise<number> {
  await using assembled = await openPipeline(file, { needs: 'nothing' })
  const { destination } = assembled.parts
  await using session = await destination.open(assembled.pipeline.name)
  if (session.revert === undefined)
    throw new UnsupportedError(destination.description, 'take a load out again')
  const at = assembled.runtime.clock.now()
  const { stream, loadIds, removed } = await session.revert(loadId, { at, withLater })
  const rows = Object.entries(removed).map(([table, count]) => `${formatCounted(count, 'row')} of ${table}`)
  const loads = loadIds.length === 1 ? 'the load' : `${loadIds.length} loads`
  process.stdout.write(
    `took out ${loads}: ${rows.length === 0 ? 'no rows' : rows.join(', ')}; the next run of ${stream} reads on from before it\n`,
  )
  return exitCodes.done
}
