import { existsSync } from 'node:fs'
import { type LoadedPipeline, loadPipeline } from '../config/load.ts'
import { ConfigError } from '../errors.ts'

const defaultFiles = [
  'pipeline.ts',
  'pipeline.yaml',
  'pipeline.yml',
  'pipeline.json',
  'pipeline.js',
  'pipeline.mjs',
]

/** Loads the named pipeline file, or the one that lies in the present folder. */
export async function loadNamedOrDefault(file: string | undefined): Promise<LoadedPipeline> {
  if (file !== undefined) return loadPipeline(file)
  const found = defaultFiles.filter((name) => existsSync(name))
  if (found.length === 1) return loadPipeline(found[0]!)
  const problem =
    found.length === 0
      ? 'there is no pipeline file here: name one, or write one with `sluice init`'
      : `there are several pipeline files here, name one: ${found.join(', ')}`
  throw new ConfigError('', problem)
}
