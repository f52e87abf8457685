// Installs what is missing, so that `npm start` and `npm test` work on a fresh clone.
// `npm install`, not `npm ci`: the lockfile need not name the binaries of platforms that its author could not reach.
// `--no-save`, or npm would write those that it finds into the lockfile.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const stamp = new URL('node_modules/.installed', root)
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'

export function run(command, args) {
  const { status, signal } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? (signal === 'SIGINT' ? 130 : 1))
}

export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  console.error(`Sluice needs Node 20.19 or newer; this is ${process.version}`)
  process.exit(1)
}

export function installIfNeeded() {
  const wanted = readFileSync(new URL('package-lock.json', root), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  console.log('Installing packages …')
  run(npm, ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'])
  writeFileSync(stamp, wanted)
}

export function build() {
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'])
}
