// Reads a pipeline file: YAML or JSON as data, TypeScript or JavaScript by running it. No build step.
import { readFile } from 'node:fs/promises'
import { dirname, extname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createJiti } from 'jiti'
import { parseDocument } from 'yaml'
import { ConfigError, isSluiceError } from '../errors.ts'
import { nearest } from '../options/nearest.ts'
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
    const content = parseYaml(await readText(path, file), file)
    return { pipeline: definePipeline(content), directory }
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
  const content: unknown = document.toJS({ maxAliasCount: 1000 })
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content as never
  const what = content === null ? 'nothing' : Array.isArray(content) ? 'a list' : `only a ${typeof content}`
  throw new ConfigError(
    '',
    `${file}: it holds ${what}; a pipeline begins with \`name:\`, \`destination:\` and \`sources:\``,
  )
}

async function runModule(path: string, file: string): Promise<Pipeline> {
  // A pipeline file imports 'sluice' whether or not it lies in a project that has it installed.
  // It gets the modules of this process, which are loaded already, rather than copies of them.
  const testing = import.meta.url.endsWith('.js') ? '../testing.js' : '../testing.ts'
  const sluice = await import('../index.ts')
  const jiti = createJiti(path, {
    moduleCache: false,
    fsCache: false,
    virtualModules: { sluice },
    alias: { 'sluice/testing': fileURLToPath(new URL(testing, import.meta.url)) },
  })
  let exported: unknown
  try {
    exported = await jiti.import(path, { default: true })
  } catch (error) {
    if (isSluiceError(error)) throw error
    const problem = missingExport(error, Object.keys(sluice)) ?? messageOf(error)
    throw new ConfigError('', `${file}${placeIn(path, error)}: ${problem}`, { cause: error })
  }
  if (isPipeline(exported)) return exported
  throw new ConfigError(
    '',
    `${file}: its default export is no pipeline; write \`export default definePipeline({ … })\``,
  )
}

/** The line of a pipeline file at which it threw, as `:12`. */
function placeIn(path: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const start = stack.indexOf(`${path}:`)
  return start < 0 ? '' : (/^:\d+/.exec(stack.slice(start + path.length))?.[0] ?? '')
}

/** What a name that 'sluice' does not export becomes once it is called: jiti turns imports into properties of a module's object. */
const calledExport = /\(0 ?, _sluice\d*\.(\w+)\) is not a function/

/** What is wrong with a name that was imported from 'sluice' in vain; `undefined` where the error is another one. */
function missingExport(error: unknown, names: readonly string[]): string | undefined {
  const name = calledExport.exec(messageOf(error))?.[1]
  if (name === undefined || names.includes(name)) return undefined
  const near = nearest(name, names)
  if (near !== undefined) return `'sluice' exports no ${name}; did you mean ${near}?`
  // Classes and types are not what a pipeline is made of.
  return `'sluice' exports no ${name}; it exports ${names.filter((each) => /^[a-z]/.test(each)).join(', ')}`
}

/** Node adds which file asked for a module that is not there: that is said already. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/\nRequire stack:[\s\S]*$/, '')
}
