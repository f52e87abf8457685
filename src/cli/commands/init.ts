import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { ConfigError } from '../../errors.ts'
import { AuthRefusedError, HttpStatusError } from '../../http/errors.ts'
import { type AuthDraft, authForms, parseAuth } from '../../init/auth-flag.ts'
import type { PipelineDraft } from '../../init/draft.ts'
import { draftAddress } from '../../init/draft-address.ts'
import { loadable } from '../../init/loadable.ts'
import { type ApiDocument, looksLikeOpenApi, parseApiDocument } from '../../init/openapi/document.ts'
import { draftOpenApi, listNames } from '../../init/openapi/draft-openapi.ts'
import { probeDraft } from '../../init/probe-draft.ts'
import { writeTypescript } from '../../init/write-typescript.ts'
import { writeYaml } from '../../init/write-yaml.ts'
import { exitCodes } from '../exit-code.ts'
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

/**
 * `sluice init`: writes a pipeline, from the address of a list or an OpenAPI document, or one that reads the sandbox. Overwrites nothing,
 * and writes nothing that doesn't load.
 */
export async function initCommand(
  target: string | undefined,
  file: string | undefined,
  options: InitCommandOptions = {},
  questions: Questions | undefined = terminalQuestions(),
): Promise<number> {
  const wanted =
    target ??
    ((await questions?.ask('Address of a list, or an OpenAPI document (nothing: an example):')) || undefined)
  const isWeb = wanted !== undefined && /^https?:\/\//i.test(wanted)
  const document = wanted === undefined || isWeb ? undefined : documentIn(wanted)
  if (!isWeb && document === undefined) {
    if (file !== undefined) throw new ConfigError('', noSource(wanted))
    const used = (['auth', 'key', 'only', 'probe'] as const).find((name) => options[name] !== undefined)
    if (used !== undefined)
      throw new ConfigError(
        `--${used}`,
        'is for the address of a list or an OpenAPI document: give one, as in `sluice init https://api.example.com/v1/orders`',
      )
    return writeTemplate(wanted ?? (options.format === 'yaml' ? 'pipeline.yaml' : 'pipeline.ts'))
  }
  const output = file ?? (options.format === 'ts' ? 'pipeline.ts' : 'pipeline.yaml')
  const kind = kindOf(output)
  if (options.format !== undefined && options.format !== kind)
    throw new ConfigError('--format', `${output} is no ${options.format} file: leave one of the two out`)
  const interrupted = interruption()
  try {
    const draft = await draftOf(wanted!, document, options, questions, interrupted.signal)
    const probed = options.probe === true ? await probeDraft(draft, { signal: interrupted.signal }) : draft
    const ready = loadable(probed)
    write(output, kind === 'ts' ? writeTypescript(ready) : writeYaml(ready))
    process.stdout.write(`wrote ${output}\n\n${summaryOf(ready)}\n${steps(nextSteps(ready, output))}`)
    return exitCodes.done
  } finally {
    interrupted.dispose()
  }
}

async function draftOf(
  target: string,
  document: ApiDocument | undefined,
  options: InitCommandOptions,
  questions: Questions | undefined,
  signal: AbortSignal,
): Promise<PipelineDraft> {
  let auth = options.auth === undefined ? undefined : parseAuth(options.auth)
  const fromDocument = async (found: ApiDocument, address?: string) =>
    draftOpenApi(found, {
      place: address ?? target,
      address,
      auth,
      only: options.only ?? (await chooseStreams(found, questions)),
    })
  if (document !== undefined) return fromDocument(document)
  for (;;) {
    try {
      const found = await draftAddress(target, { auth, key: options.key, signal })
      return 'root' in found ? await fromDocument(found, target) : found
    } catch (error) {
      const refused = refusalOf(error)
      if (refused === undefined) throw error
      auth = await askForAuth(refused, auth, questions)
    }
  }
}

/** The 401 or 403 of an API; `undefined` for any other error. */
function refusalOf(error: unknown): HttpStatusError | AuthRefusedError | undefined {
  if (error instanceof AuthRefusedError) return error
  return error instanceof HttpStatusError && (error.status === 401 || error.status === 403)
    ? error
    : undefined
}

/** @throws ConfigError where nobody can be asked, or nothing is answered */
async function askForAuth(
  refused: Error,
  used: AuthDraft | undefined,
  questions: Questions | undefined,
): Promise<AuthDraft> {
  const how = `set its variable, and name it with --auth: ${authForms}`
  const problem =
    used === undefined
      ? `the API wants a credential; ${how}`
      : `the API refuses the credential of --auth; check the variable that it names, or ${how}`
  const failure = new ConfigError('', `${refused.message}. Nothing was written: ${problem}`, {
    cause: refused,
  })
  if (questions === undefined) throw failure
  process.stdout.write(`${refused.message}\n\n`)
  for (;;) {
    const answer = await questions.ask(
      `Credential, by the names of variables that are set (${authForms}; nothing: give up):`,
    )
    if (answer === '') throw failure
    try {
      return parseAuth(answer)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      process.stdout.write(`${error.message}\n`)
    }
  }
}

async function chooseStreams(
  document: ApiDocument,
  questions: Questions | undefined,
): Promise<readonly string[] | undefined> {
  const names = listNames(document)
  if (questions === undefined || names.length < 2) return undefined
  for (const [index, { name, path, summary }] of names.entries())
    process.stdout.write(
      `  ${String(index + 1).padStart(3)}. ${name}  GET ${path}${summary === '' ? '' : `  ${summary}`}\n`,
    )
  for (;;) {
    const answer = await questions.ask('Which ones? Numbers or names with commas (nothing: all):')
    if (answer === '') return undefined
    const words = answer.split(/[\s,]+/).filter((word) => word !== '')
    const chosen = words.map((word) =>
      /^\d+$/.test(word) ? names[Number(word) - 1]?.name : names.find(({ name }) => name === word)?.name,
    )
    const wrong = words.find((_, index) => chosen[index] === undefined)
    if (wrong === undefined) return chosen.filter((name) => name !== undefined)
    process.stdout.write(`there is no ${wrong}\n`)
  }
}

/** The OpenAPI document in that file; `undefined` where there is no such file, or it is something else. */
function documentIn(file: string): ApiDocument | undefined {
  if (!existsSync(file)) return undefined
  const text = readFileSync(file, 'utf8')
  return looksLikeOpenApi(text) ? parseApiDocument(text, file) : undefined
}

function noSource(target: string | undefined): string {
  return target !== undefined && existsSync(target)
    ? `${target} is no OpenAPI document: it has no \`openapi: 3…\` and no \`swagger: "2.0"\``
    : `${target} is neither an address (it begins with http:// or https://) nor a file that is there`
}

function writeTemplate(file: string): number {
  write(file, kindOf(file) === 'ts' ? typescriptTemplate : yamlTemplate)
  process.stdout.write(
    `wrote ${file}\n\n${steps([
      ['sluice sandbox --port 8080', 'a local API to read from, in another terminal'],
      [`sluice run ${file}`, 'load it into warehouse.duckdb'],
      [`edit ${file}`, 'baseUrl, auth and streams, until it reads your API'],
    ])}`,
  )
  return exitCodes.done
}

function kindOf(file: string): 'ts' | 'yaml' {
  const kind = file.endsWith('.ts')
    ? 'ts'
    : file.endsWith('.yaml') || file.endsWith('.yml')
      ? 'yaml'
      : undefined
  if (kind === undefined) throw new ConfigError('', `${file}: name a file that ends in .ts or .yaml`)
  if (existsSync(file)) throw new ConfigError('', `${file} is there already: name another file`)
  return kind
}

/** `wx`: what has come to be there meanwhile is not overwritten either. */
function write(file: string, text: string): void {
  writeFileSync(file, text, { flag: 'wx' })
}

/** What was found, stream by stream, as the file's comments have it. */
function summaryOf({ sourceName, streams }: PipelineDraft): string {
  const lines = streams.map(({ name, off, options, notes }) => {
    const said = options.flatMap(({ notes: own = [] }) => own)
    return `${sourceName}.${name}${off === undefined ? '' : `  left out: ${off}`}\n${(off === undefined ? [...notes, ...said] : []).map((note) => `    ${note}\n`).join('')}`
  })
  return lines.join('')
}

function nextSteps(
  { sourceName, streams }: PipelineDraft,
  file: string,
): readonly (readonly [string, string])[] {
  const first = streams.find(({ off }) => off === undefined)!
  return [
    [`edit ${file}`, 'what its comments ask you to CHECK'],
    [`sluice preview ${sourceName}.${first.name} ${file}`, 'the first request, and some records'],
    [`sluice run ${file}`, 'load it into warehouse.duckdb'],
  ]
}

function steps(list: readonly (readonly [string, string])[]): string {
  const width = Math.max(...list.map(([command]) => command.length))
  return list.map(([command, what], index) => `  ${index + 1}. ${command.padEnd(width)}  ${what}\n`).join('')
}
