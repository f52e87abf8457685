// What `npm pack` makes, in an empty folder: with the packages that it depends on and no others, and without a network.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readPages, root } from '../docs/pages.ts'
import { sandboxAddress, sandboxSecrets, sandboxSize } from '../docs/sandbox.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-package-'))
const at = (...names: string[]) => join(folder, ...names)
const { dependencies, bin } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  dependencies: Record<string, string>
  bin: { sluice: string }
}

beforeAll(() => {
  // The tests have built it: building it once more would pull it from under those that run beside this one.
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
  const name = execFileSync('npm', pack, { cwd: root, encoding: 'utf8' }).trim()
  mkdirSync(at('node_modules', 'sluice'), { recursive: true })
  execFileSync('tar', ['-xzf', at(name), '--strip-components', '1', '-C', at('node_modules', 'sluice')])
  // The types of Node are what the guide asks for beside it.
  for (const dependency of [...Object.keys(dependencies), '@types/node']) {
    mkdirSync(dirname(at('node_modules', dependency)), { recursive: true })
    symlinkSync(`${root}node_modules/${dependency}`, at('node_modules', dependency))
  }
  writeFileSync(at('package.json'), '{ "type": "module" }')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function node(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...sandboxSecrets },
  })
  return { status, stdout, stderr }
}

test('the packed command says its version and writes a pipeline', () => {
  const command = at('node_modules', 'sluice', bin.sluice)
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  expect(node(command, '--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
  expect(node(command, 'init', 'new.ts')).toMatchObject({ status: 0, stderr: '' })
  expect(readFileSync(at('new.ts'), 'utf8')).toContain("from 'sluice'")
})

test("the README's pipeline has its types there, with the compiler options that the guide names", () => {
  const readme = readPages().find(({ path }) => path === 'README.md')!
  writeFileSync(at('pipeline.ts'), readme.blocks.find(({ language }) => language === 'ts')!.text)
  writeFileSync(
    at('kit.ts'),
    "import { fakeClock } from 'sluice/testing'\nfakeClock({ start: 0 }).now() satisfies number\n",
  )
  const guide = readPages().find(({ path }) => path === 'docs/guide.md')!
  const options = guide.blocks.find(
    ({ language, text }) => language === 'json' && text.includes('compilerOptions'),
  )!
  writeFileSync(at('tsconfig.json'), options.text)
  expect(node(`${root}node_modules/typescript/bin/tsc`, '-p', folder)).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
  })
})

test("the README's pipeline runs in a program that imports the package and its test kit", () => {
  const readme = readPages().find(({ path }) => path === 'README.md')!
  writeFileSync(at('pipeline.ts'), readme.blocks.find(({ language }) => language === 'ts')!.text)
  writeFileSync(
    at('program.mjs'),
    `import { readFileSync, writeFileSync } from 'node:fs'
import { loadPipeline, run } from 'sluice'
import { startSandbox } from 'sluice/testing'
const sandbox = await startSandbox(${JSON.stringify(sandboxSize)})
writeFileSync('pipeline.ts', readFileSync('pipeline.ts', 'utf8').replaceAll('${sandboxAddress}', sandbox.url))
const { pipeline, directory } = await loadPipeline('pipeline.ts')
const { outcome, records } = await run(pipeline, { directory })
console.log(outcome, records > 0)
await sandbox.close()
`,
  )
  expect(node('program.mjs')).toEqual({ status: 0, stdout: 'done true\n', stderr: '' })
})
