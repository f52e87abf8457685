// Types the commands of blocks that are marked `<!-- test: run -->`, one after the other, in a folder that holds the README's pipeline.
// Blocks of a page that are marked `<!-- test: init -->` are one session, in a folder that is empty before it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

/** The sandbox's own command is left out: it runs already. */
const commandsOf = (text: string) => text.split('\n').filter((line) => /^sluice (?!sandbox)/.test(line))

const cwd = process.cwd()
const sandbox = await startSandbox(sandboxSize)
afterAll(() => sandbox.close())

test('there are commands to run', () => {
  expect(sessions.length).toBeGreaterThan(0)
})

/** Types command lines in a folder that holds these files, then does what is left to do there. */
async function session(
  lines: readonly string[],
  files: Readonly<Record<string, string>>,
  then: () => Promise<void> = async () => {},
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-session-'))
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(directory, name), text.replaceAll(sandboxAddress, sandbox.url))
  process.chdir(directory)
  const quiet = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(() => true),
  )
  for (const [name, value] of Object.entries(sandboxSecrets)) vi.stubEnv(name, value)
  try {
    for (const line of lines) {
      const words = line
        .replace(/\s+[#>].*$/, '')
        .split(/\s+/)
        .slice(1)
      const codes: number[] = []
      await createProgram('0', (code) => codes.push(code)).parseAsync(words, { from: 'user' })
      expect(codes, line).toEqual([0])
      // What init wrote reads the sandbox at the port that the pages name.
      const [command, file = ''] = words
      if (command === 'init')
        writeFileSync(file, readFileSync(file, 'utf8').replace(sandboxAddress, sandbox.url))
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
    session(commandsOf(text), { 'pipeline.yaml': pipeline.text }))
}

for (const { path, blocks } of pages) {
  const lines = blocks.filter(({ note }) => note === 'init').flatMap(({ text }) => commandsOf(text))
  if (lines.length === 0) continue
  for (const file of ['pipeline.ts', 'pipeline.yaml'])
    test(`the commands of ${path} do what they are for, with a new ${file}`, () =>
      session(
        lines.map((line) => line.replace('pipeline.ts', file)),
        {},
        async () => {
          const [counts] = await duckdbDestination({ path: 'warehouse.duckdb' }).query(
            'SELECT count(*)::INTEGER AS rows, (SELECT count(*)::INTEGER FROM _sluice_rejects) AS rejects FROM track_events',
          )
          expect(counts).toEqual({ rows: [...sandbox.sandbox.truth.events()].length, rejects: 0 })
        },
      ))
}

test('every query of the pages can be asked of a warehouse', () =>
  session(['sluice run pipeline.yaml'], { 'pipeline.yaml': pipeline.text }, async () => {
    const queries = pages.flatMap(({ blocks }) => blocks.filter(({ language }) => language === 'sql'))
    expect(queries.length).toBeGreaterThan(4)
    const warehouse = duckdbDestination({ path: 'warehouse.duckdb' })
    for (const { place, text } of queries) {
      const rows = await warehouse.query(text)
      // This run rejects nothing.
      if (!text.includes('_sluice_rejects')) expect(rows.length, place).toBeGreaterThan(0)
    }
  }))
