import { isSluiceError } from '../../errors.ts'
import { exitCodeOf, exitCodes } from '../exit-code.ts'
import { interruption } from '../interruption.ts'
import { openPipeline } from '../open-pipeline.ts'
import { paletteFor } from '../terminal.ts'

/** `sluice check`: asks each API for as little as possible, and opens the destination. */
export async function checkCommand(file: string | undefined): Promise<number> {
  await using assembled = await openPipeline(file, { needs: 'secrets', hasty: true })
  const interrupted = interruption()
  const { sources, destination } = assembled.parts
  const checks = [
    ...sources.map((source) => ({ what: source.name, check: () => source.check(interrupted.signal) })),
    {
      what: destination.description,
      check: async () => {
        await using _session = await destination.open(assembled.pipeline.name)
      },
    },
  ]
  const palette = paletteFor(process.stdout)
  const results = await Promise.all(
    checks.map(async ({ what, check }) => {
      try {
        await check()
        return { text: `${palette.good('✓')} ${what}`, exitCode: exitCodes.done }
      } catch (error) {
        const code = isSluiceError(error) ? ` (${error.code})` : ''
        const problem = error instanceof Error ? error.message : String(error)
        return {
          text: `${palette.bad('✗')} ${what}${code}\n    ${problem}`,
          exitCode: exitCodeOf(error),
        }
      }
    }),
  )
  interrupted.dispose()
  for (const { text } of results) process.stdout.write(`${text}\n`)
  return Math.max(...results.map(({ exitCode }) => exitCode))
}
