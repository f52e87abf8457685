import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { systemLookup } from '../../config/system-lookup.ts'
import { ConfigError } from '../../errors.ts'
import { parseAuth } from '../../init/auth-flag.ts'
import { type PipelineDraft, withChecklist } from '../../init/draft.ts'
import { draftAddress } from '../../init/draft-address.ts'
import { splitAddress } from '../../init/draft-url.ts'
import { loadable } from '../../init/loadable.ts'
import { type ApiDocument, looksLikeOpenApi, parseApiDocument } from '../../init/openapi/document.ts'
import { draftOpenApi } from '../../init/openapi/draft-openapi.ts'
import { type Probed, probeDraft } from '../../init/probe-draft.ts'
import { refusalError, refusalOf } from '../../init/refusal.ts'
import { writeTypescript } from '../../init/write-typescript.ts'
import { writeYaml } from '../../init/write-yaml.ts'
import type { SecretLookup } from '../../options/secret.ts'
import { exitCodes } from '../exit-code.ts'
import { askForAddress, askForAuth, chooseStreams } from '../init-questions.ts'
import { nextSteps, probeSummary, steps, summaryOf } from '../init-summary.ts'
import { typescriptTemplate, yamlTemplate } from '../init-template.ts'
import { interruption } from '../interruption.ts'
import { type Questions, terminalQuestions } from '../questions.ts'

export interface InitCommandOptions {
  /** Of the file, where its name does not say it. */
  readonly format?: 'yaml' | 'ts'
  /** `bearer:NAME` and the like. */
  readonly auth?: string
  readonly key?: readonly string[]
  /** Streams, tags or paths of an OpenAPI document. */
  readonly only?: readonly string[]
  /** Whether the lists of a document are asked for their first page. */
  readonly probe?: boolean
}

/** Where the command works, and whom it speaks to. */
export interface InitSurroundings {
  /** Who answers; `undefined` where nobody does. */
  readonly questions: Questions | undefined
  /** Where relative paths start. */
  readonly directory: string
  readonly lookup: SecretLookup
  print(text: string): void
}

function processSurroundings(): InitSurroundings {
  return {
    questions: terminalQuestions(),
    directory: process.cwd(),
    lookup: systemLookup,
    print: (text) => void process.stdout.write(text),
  }
}

/**
 * `sluice init`: writes a pipeline, from the address of a list or an OpenAPI document, or one that reads the sandbox. Overwrites nothing,
 * and writes nothing that doesn't load. Resolves to `failed` where `probe` could not look at all that it was to look at.
 */
export async function initCommand(
  target: string | undefined,
  file: string | undefined,
  options: InitCommandOptions = {},
  surroundings: InitSurroundings = processSurroundings(),
): Promise<number> {
  const { lookup, print } = surroundings
  const wanted = target ?? (await askForAddress(surroundings.questions))
  const found = wanted === undefined ? undefined : targetOf(wanted, surroundings)
  if (found === undefined) {
    if (file !== undefined) throw new ConfigError('', noSource(wanted, surroundings))
    refuseUseless(
      options,
      ['auth', 'key', 'only', 'probe'],
      'is for the address of a list or an OpenAPI document: give one, as in `sluice init https://api.example.com/v1/orders`',
    )
    const name = wanted ?? (options.format === 'yaml' ? 'pipeline.yaml' : 'pipeline.ts')
    return writeTemplate(outputOf(name, options, surroundings), surroundings)
  }
  const output = outputOf(file, options, surroundings)
  const interrupted = interruption()
  try {
    const { signal } = interrupted
    const { draft, isDocument } = await draftOf(found, options, surroundings, signal)
    const first = loadable(draft)
    const probed =
      isDocument && options.probe === true ? await confirmed(first, { ...surroundings, signal }) : undefined
    const ready = withChecklist(probed === undefined ? first : loadable(probed.draft))
    write(output, output.kind === 'ts' ? writeTypescript(ready) : writeYaml(ready))
    print(`wrote ${output.name}\n\n${summaryOf(ready, output.name)}`)
    if (probed !== undefined) print(probeSummary(probed))
    print(nextSteps(ready, output.name, (variable) => Boolean(lookup(variable))))
    return probed === undefined || isWhole(probed) ? exitCodes.done : exitCodes.failed
  } finally {
    interrupted.dispose()
  }
}

type Target = { readonly address: string } | { readonly document: ApiDocument; readonly file: string }

/** An address, or an OpenAPI document in a file; `undefined` where there is no such file, or it is something else. */
function targetOf(wanted: string, { directory }: InitSurroundings): Target | undefined {
  if (/^https?:\/\//i.test(wanted)) return { address: wanted }
  const path = resolve(directory, wanted)
  if (!existsSync(path) || !statSync(path).isFile()) return undefined
  const text = readFileSync(path, 'utf8')
  return looksLikeOpenApi(text) ? { document: parseApiDocument(text, wanted), file: wanted } : undefined
}

/** Asks until the API answers, or the user gives up. */
async function draftOf(
  target: Target,
  options: InitCommandOptions,
  surroundings: InitSurroundings,
  signal: AbortSignal,
): Promise<{ readonly draft: PipelineDraft; readonly isDocument: boolean }> {
  let auth = options.auth === undefined ? undefined : parseAuth(options.auth)
  const fromDocument = async (document: ApiDocument, place: string, address?: string) => {
    refuseUseless(
      options,
      ['key'],
      `is for the address of a list, and ${place} is an OpenAPI document: leave it out`,
    )
    const only = options.only ?? (await chooseStreams(document, surroundings))
    return { draft: draftOpenApi(document, { place, address, auth, only }), isDocument: true }
  }
  if ('document' in target) return fromDocument(target.document, target.file)
  const { address } = target
  for (;;) {
    try {
      const { lookup } = surroundings
      const found = await draftAddress(address, { auth, key: options.key, signal, lookup })
      if ('root' in found) return await fromDocument(found, address, address)
      refuseUseless(
        options,
        ['only', 'probe'],
        'is for an OpenAPI document, and the address answers a list, which has been asked for: leave it out',
      )
      return { draft: found, isDocument: false }
    } catch (error) {
      const refused = refusalOf(error)
      if (refused === undefined) throw error
      const parameters = [...splitAddress(address).secrets.keys()]
      auth = await askForAuth(refused, { auth, parameters }, surroundings)
    }
  }
}

/**
 * The draft as the API's answers have it.
 * @throws where not one of its lists answered: nothing is known then that the document does not say
 */
async function confirmed(
  draft: PipelineDraft,
  { directory, lookup, signal }: InitSurroundings & { readonly signal: AbortSignal },
): Promise<Probed> {
  const probed = await probeDraft(draft, { directory, lookup, signal })
  const [failure] = probed.failed.values()
  if (failure === undefined || probed.answered.length > 0) return probed
  const refused = refusalOf(failure)
  if (refused === undefined) throw failure
  const auth = draft.source.find(({ name }) => name === 'auth')?.value
  throw refusalError(refused, { auth: auth as ReturnType<typeof parseAuth> | undefined, parameters: [] })
}

function isWhole({ answered, failed }: Probed): boolean {
  return failed.size === 0 && answered.length > 0
}

/** @throws ConfigError for the first of these options that is given */
function refuseUseless(
  options: InitCommandOptions,
  names: readonly (keyof InitCommandOptions)[],
  why: string,
): void {
  const used = names.find((name) => options[name] !== undefined)
  if (used !== undefined) throw new ConfigError(`--${used}`, why)
}

function noSource(target: string | undefined, { directory }: InitSurroundings): string {
  return target !== undefined && existsSync(resolve(directory, target))
    ? `${target} is no OpenAPI document: it has no \`openapi: 3…\` and no \`swagger: "2.0"\``
    : `${target} is neither an address (it begins with http:// or https://) nor a file that is there`
}

function writeTemplate(output: Output, { print }: InitSurroundings): number {
  write(output, output.kind === 'ts' ? typescriptTemplate : yamlTemplate)
  const { name } = output
  print(
    `wrote ${name}\n${steps([
      ['sluice sandbox --port 8080', 'a local API to read from, in another terminal'],
      [`sluice run ${name}`, 'load it into warehouse.duckdb'],
      [`edit ${name}`, 'baseUrl, auth and streams, until it reads your API'],
    ])}`,
  )
  return exitCodes.done
}

/** The file that is to be written. */
interface Output {
  /** As the user named it. */
  readonly name: string
  readonly path: string
  readonly kind: 'ts' | 'yaml'
}

/** @throws ConfigError where it is there already, or its name and `format` don't go together */
function outputOf(
  file: string | undefined,
  { format }: InitCommandOptions,
  { directory }: InitSurroundings,
): Output {
  const name = file ?? (format === 'ts' ? 'pipeline.ts' : 'pipeline.yaml')
  const kind = name.endsWith('.ts') ? 'ts' : /\.ya?ml$/.test(name) ? 'yaml' : undefined
  if (kind === undefined) throw new ConfigError('', `${name}: name a file that ends in .ts or .yaml`)
  const path = resolve(directory, name)
  if (existsSync(path)) throw new ConfigError('', `${name} is there already: name another file`)
  if (format !== undefined && format !== kind)
    throw new ConfigError('--format', `${name} is no ${format} file: leave one of the two out`)
  return { name, path, kind }
}

/**
 * `wx`: what has come to be there meanwhile is not overwritten either.
 * @throws ConfigError where it can't be written
 */
function write({ name, path }: Output, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(
      '',
      `${name} can't be written (${code}): name another file, in a folder that is there`,
      {
        cause: error,
      },
    )
  }
}
