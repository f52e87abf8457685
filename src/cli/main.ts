#!/usr/bin/env node
// The only place that reads argv and process.env, and that exits.
import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { isSluiceError } from '../errors.ts'
import { exitCodeOf, exitCodes } from './exit-code.ts'
import { keepHeapSmall } from './heap.ts'
import { createProgram } from './program.ts'
import { paletteFor } from './terminal.ts'

const packageFile = new URL(
  import.meta.url.endsWith('.js') ? '../../../package.json' : '../../package.json',
  import.meta.url,
)
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }

keepHeapSmall()
let exitCode: number = exitCodes.done
try {
  await createProgram(version, (code) => {
    exitCode = code
  }).parseAsync(process.argv)
} catch (error) {
  exitCode = report(error)
}
process.exitCode = exitCode

function report(error: unknown): number {
  // Commander has said it already: help and version are no errors, a wrong command line is a wrong config.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.config
  const palette = paletteFor(process.stderr)
  const text = isSluiceError(error)
    ? `${error.message} (${error.code})`
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error)
  process.stderr.write(`${palette.bad('error')} ${text}\n`)
  return exitCodeOf(error)
}
