// Runs the TypeScript of the pages. Each block is a program of its own: it is type-checked and run against a sandbox, in a folder of
// its own. A block that exports a pipeline for the sandbox is run as one. A `text` block behind it is what it prints.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { startSandbox } from '../../sandbox/server.ts'
import { definePipeline, isPipeline } from '../../src/config/pipeline.ts'
import { run } from '../../src/run.ts'
import { postgresServer } from '../servers/postgres.ts'
import { readPages, root } from './pages.ts'
import { sandboxAddress, sandboxSecrets, sandboxSize } from './sandbox.ts'

const folder = `${root}test/docs/.examples`
const blocks = readPages()
  .flatMap((page) => page.blocks)
  .filter(({ language }) => language === 'ts')
  .map((block) => ({ ...block, file: `${block.place.replaceAll(/\W+/g, '-')}.ts` }))

const cwd = process.cwd()
const sandbox = await startSandbox(sandboxSize)
// The database of the pages' WAREHOUSE_URL.
const warehouse = await postgresServer()

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { file, text } of blocks)
    writeFileSync(join(folder, file), text.replaceAll(sandboxAddress, sandbox.url))
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../tsconfig.json',
      compilerOptions: { moduleDetection: 'force' },
      include: ['*.ts'],
    }),
  )
})

afterAll(async () => {
  process.chdir(cwd)
  await sandbox.close()
  await warehouse[Symbol.asyncDispose]()
}, 60_000)

test('there are examples in TypeScript to run', () => {
  expect(blocks.length).toBeGreaterThan(15)
})

test('every example has the types that it says', () => {
  const { stdout, status } = spawnSync(
    process.execPath,
    [`${root}node_modules/typescript/bin/tsc`, '-p', folder],
    { encoding: 'utf8' },
  )
  expect(stdout).toBe('')
  expect(status).toBe(0)
})

test('the pipeline of the README takes 25 lines at most', () => {
  const pipeline = blocks.find(({ place }) => place.startsWith('README.md'))!
  expect(pipeline.text.trimEnd().split('\n').length).toBeLessThanOrEqual(25)
})

test('the pipeline of the README is the same in TypeScript and in YAML', async () => {
  const readme = readPages().find(({ path }) => path === 'README.md')!
  const yaml = readme.blocks.find(({ language }) => language === 'yaml')!
  const file = blocks.find(({ place }) => place.startsWith('README.md'))!.file
  const written = definePipeline(parse(yaml.text.replaceAll(sandboxAddress, sandbox.url)))
  expect((await import(join(folder, file))).default).toEqual(written)
})

for (const { place, file, text, prints } of blocks) {
  test(`the example at ${place} runs`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-example-'))
    process.chdir(directory)
    const printed: string[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((...values) => {
      printed.push(format(...values))
    })
    for (const [name, value] of Object.entries(sandboxSecrets)) vi.stubEnv(name, value)
    vi.stubEnv('WAREHOUSE_URL', warehouse.url)
    try {
      const exported = (await import(join(folder, file))).default
      if (isPipeline(exported) && text.includes(sandboxAddress)) {
        const report = await run(exported, { directory })
        expect(report).toMatchObject({ outcome: 'done' })
        expect(report.records).toBeGreaterThan(0)
      }
      if (prints !== undefined) expect(printed.join('\n')).toBe(prints)
    } finally {
      log.mockRestore()
      vi.unstubAllEnvs()
      process.chdir(cwd)
      rmSync(directory, { recursive: true, force: true })
    }
  })
}
