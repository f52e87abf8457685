// Types the commands of blocks that are marked `<!-- test: run -->`, one after the other, in a folder that holds the README's pipeline.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { startSandbox } from '../../sandbox/server.ts'
import { createProgram } from '../../src/cli/program.ts'
import { duckdbDestination } from '../../src/destinations/duckdb/duckdb.ts'
import { readPages } from './pages.ts'
import { sandboxAddress, sandboxSecrets, sandboxSize } from './sandbox.ts'

const pages = readPages()
const readme = pages.find(({ path }) => path === 'README.md')!
const pipeline = readme.blocks.find(({ language, note }) => language === 'yaml' && note === undefined)!
const sessions = pages.flatMap(({ blocks }) =>
  blocks.filter(({ language, note }) => language === 'sh' && note === 'run'),
)

const cwd = process.cwd()
const sandbox = await startSandbox(sandboxSize)
afterAll(() => sandbox.close())

test('there are commands to run', () => {
  expect(sessions.length).toBeGreaterThan(0)
})

/** Types command lines in a folder that holds the README's pipeline, then does what is left to do there. */
async function session(lines: readonly string[], then: () => Promise<void> = async () => {}): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-session-'))
  writeFileSync(join(directory, 'pipeline.yaml'), pipeline.text.replaceAll(sandboxAddress, sandbox.url))
  process.chdir(directory)
  const quiet = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(() => true),
  )
  for (const [name, value] of Object.entries(sandboxSecrets)) vi.stubEnv(name, value)
  try {
    for (const line of lines) {
      const words = line
        .replace(/\s+#.*$/, '')
        .split(/\s+/)
        .slice(1)
      const codes: number[] = []
      await createProgram('0', (code) => codes.push(code)).parseAsync(words, { from: 'user' })
      expect(codes, line).toEqual([0])
    }
    await then()
  } finally {
    for (const spy of quiet) spy.mockRestore()
    vi.unstubAllEnvs()
    process.chdir(cwd)
    rmSync(directory, { recursive: true, force: true })
  }
}

for (const { place, text } of sessions) {
  test(`the commands at ${place} do what they are for`, () =>
    session(text.split('\n').filter((line) => line.startsWith('sluice '))))
}

test('every query of the pages can be asked of a warehouse', () =>
  session(['sluice run pipeline.yaml'], async () => {
    const queries = pages.flatMap(({ blocks }) => blocks.filter(({ language }) => language === 'sql'))
    expect(queries.length).toBeGreaterThan(4)
    const warehouse = duckdbDestination({ path: 'warehouse.duckdb' })
    for (const { place, text } of queries) {
      const rows = await warehouse.query(text)
      // This run rejects nothing.
      if (!text.includes('_sluice_rejects')) expect(rows.length, place).toBeGreaterThan(0)
    }
  }))
