import { existsSync, readFileSync } from 'node:fs'

/** This package's version, from its package.json, which lies one folder above the sources and two above what is built of them. */
export const version: string = readVersion()

function readVersion(): string {
  for (const place of ['../package.json', '../../package.json']) {
    const file = new URL(place, import.meta.url)
    if (!existsSync(file)) continue
    const content = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version: string }
    if (content.name === 'sluice') return content.version
  }
  // Bundled into another program, without its package.json.
  return 'unknown'
}
