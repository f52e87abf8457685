// Vitest's global setup: tests of the command line run what users run, so it is built first where it is older than its source.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

export default function setup(): void {
  const built = `${root}dist/src/cli/main.js`
  if (existsSync(built) && statSync(built).mtimeMs > newestSource()) return
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  })
}

function newestSource(): number {
  const files = ['src', 'sandbox', 'bench'].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => `${root}${folder}/${name}`),
  )
  return Math.max(...[...files, `${root}tsconfig.build.json`].map((file) => statSync(file).mtimeMs))
}
