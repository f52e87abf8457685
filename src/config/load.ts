// Reads a pipeline file: YAML or JSON as data, TypeScript or JavaScript by running it. No build step.
import { readFile } from 'node:fs/promises'
import { dirname, extname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createJiti } from 'jiti'
import { parseDocument } from 'yaml'
import { ConfigError, isSluiceError } from '../errors.ts'
import { definePipeline, isPipeline, type Pipeline } from './pipeline.ts'

export interface LoadedPipeline {
  readonly pipeline: Pipeline
  /** The file's folder: relative paths in the pipeline start here, wherever a scheduler runs it. */
  readonly directory: string
}

/** @throws ConfigError where the file can't be read, parsed or run, or what it says is no pipeline */
export async function loadPipeline(file: string): Promise<LoadedPipeline> {
  const path = resolve(file)
  const kind = extname(path)
  const directory = dirname(path)
  if (kind === '.yaml' || kind === '.yml' || kind === '.json') {
    return { pipeline: definePipeline(parseYaml(await readText(path, file), file)), directory }
  }
  if (['.ts', '.mts', '.js', '.mjs'].includes(kind)) {
    await readText(path, file)
    return { pipeline: await runModule(path, file), directory }
  }
  throw new ConfigError('', `${file}: a pipeline file ends in .ts, .mts, .js, .mjs, .yaml, .yml or .json`)
}

async function readText(path: string, file: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const problem = code === 'ENOENT' ? 'there is no such file' : `it can't be read (${code})`
    throw new ConfigError('', `${file}: ${problem}`, { cause: error })
  }
}

/** YAML is a superset of JSON, so one parser reads both. */
function parseYaml(text: string, file: string): never {
  const document = parseDocument(text, { prettyErrors: true, merge: true })
  const problem = document.errors[0]
  if (problem !== undefined) throw new ConfigError('', `${file}: ${problem.message}`, { cause: problem })
  return document.toJS({ maxAliasCount: 1000 }) as never
}

async function runModule(path: string, file: string): Promise<Pipeline> {
  // A pipeline file imports 'sluice' whether or not it lies in a project that has it installed.
  const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  const built = import.meta.url.endsWith('.js')
  const jiti = createJiti(path, {
    moduleCache: false,
    fsCache: false,
    alias: {
      'sluice/testing': here(built ? '../testing.js' : '../testing.ts'),
      sluice: here(built ? '../index.js' : '../index.ts'),
    },
  })
  let exported: unknown
  try {
    exported = await jiti.import(path, { default: true })
  } catch (error) {
    if (isSluiceError(error)) throw error
    throw new ConfigError('', `${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  if (isPipeline(exported)) return exported
  throw new ConfigError(
    '',
    `${file}: its default export is no pipeline; write \`export default definePipeline({ … })\``,
  )
}
