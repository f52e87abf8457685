// Turns zod's issues into sentences: the path, what was found, what is allowed, and the nearest right spelling.
import type { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { alternatives, type JsonSchema } from './json-schema.ts'
import { namedWith, nearest } from './nearest.ts'
import { rightForm } from './right-form.ts'
import { isSecret } from './secret.ts'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** The first mistake of a config, with a count of the others. */
export function explainConfigError(error: z.ZodError, input: unknown, schema: JsonSchema): ConfigError {
  const mistakes = error.issues
    .flatMap((issue) => explainIssue(issue, [], input, schema))
    .map(({ path, problem }) => ({ path, problem: clipped(problem) }))
  const [first, ...others] = mistakes
  const told = others.slice(0, mostTold).map((mistake) => `\n  also ${mistake.path}: ${mistake.problem}`)
  const untold = others.length - told.length
  const more = told.join('') + (untold > 0 ? `\n  and ${untold} more` : '')
  return new ConfigError(first!.path, first!.problem + more, { cause: error })
}

/** A list of thousands may be wrong in each of its items for one reason. */
const mostTold = 30
const longestProblem = 2000

function clipped(problem: string): string {
  return problem.length > longestProblem ? `${problem.slice(0, longestProblem)}…` : problem
}

interface Mistake {
  readonly path: string
  readonly problem: string
}

function explainIssue(issue: Issue, prefix: Path, input: unknown, schema: JsonSchema): readonly Mistake[] {
  const path = [...prefix, ...issue.path]
  const found = valueAt(input, path)
  const at = (problem: string, where: Path = path): readonly Mistake[] => [
    { path: writePath(where), problem },
  ]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, path, input, schema))
    case 'invalid_type':
      if (found !== undefined && hasWords(issue) && !holdsCredential(path)) return at(issue.message)
      return found === undefined
        ? at(missing(path, input, schema))
        : at(wrongType(found, issue.expected, path, schemaAt(schema, path, input, true)))
    case 'invalid_value':
      return at(`${show(found, path)} is not allowed; ${allowed(issue.values, found)}`)
    case 'invalid_union':
      return explainUnion(issue, path, input, schema)
    case 'invalid_key':
      return at(issue.issues[0]?.message ?? issue.message)
    case 'too_small':
      if (!issue.message.startsWith('Too small')) return at(issue.message)
      return at(
        issue.inclusive === false
          ? `${show(found, path)} is too small: it has to be more than ${issue.minimum}`
          : `${show(found, path)} is too small: the least is ${issue.minimum}`,
      )
    case 'too_big':
      if (!issue.message.startsWith('Too big')) return at(issue.message)
      return at(`${show(found, path)} is too large: the most is ${issue.maximum}`)
    default:
      return at(issue.message)
  }
}

/** An option's own message says more than that its kind is another. */
function hasWords({ message }: Issue): boolean {
  return !message.startsWith('Invalid input')
}

function wrongType(found: unknown, expected: string, path: Path, schema: JsonSchema | undefined): string {
  const isShown =
    !holdsCredential(path) && !path.includes('auth') && !path.includes('tls') && !isSecret(found)
  const name = path.findLast((key) => typeof key === 'string')
  const form =
    name === undefined || typeof path.at(-1) === 'number'
      ? undefined
      : rightForm(String(name), found, expected, schema, isShown)
  const what = found === null ? 'nothing stands here' : `${show(found, path)} is ${article(typeName(found))}`
  const kinds: Readonly<Record<string, string>> = {
    array: 'list',
    record: 'object of named entries',
    int: 'whole number',
  }
  return `${what}; ${article(kinds[expected] ?? expected)} is expected${form === undefined ? '' : `: ${form}`}`
}

function unknownKey(key: string, path: Path, input: unknown, schema: JsonSchema): Mistake {
  const known = Object.keys(schemaAt(schema, path, input)?.properties ?? {})
  const near = nearest(key, known) ?? namedWith(key, known)
  const hint = near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`
  return { path: writePath([...path, key]), problem: `there is no such option${hint}${listed(known, near)}` }
}

/** More options than this are a list that hides what is said beside it. */
const shortList = 6

/** A short list in brackets. A long one is left out where the right spelling is known already, else it has a line of its own. */
function listed(known: readonly string[], near: string | undefined): string {
  if (known.length === 0) return ''
  if (known.length <= shortList) return ` (there are ${known.join(', ')})`
  return near === undefined ? `; there are\n    ${known.join(', ')}` : ''
}

function missing(path: Path, input: unknown, schema: JsonSchema): string {
  const description = schemaAt(schema, path, input, true)?.description
  return description === undefined ? 'this option is required' : `this option is required: ${description}`
}

function explainUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  input: unknown,
  schema: JsonSchema,
): readonly Mistake[] {
  const found = valueAt(input, path)
  const discriminator = 'discriminator' in issue ? (issue.discriminator as string | undefined) : undefined
  if (discriminator !== undefined) {
    // zod names the discriminator in the path already.
    const where = path.at(-1) === discriminator ? path : [...path, discriminator]
    const kind = valueAt(input, where)
    const kinds = constants(schemaAt(schema, where.slice(0, -1), input, true), discriminator)
    const problem =
      kind === undefined
        ? `this option is required: ${allowed(kinds, kind)}`
        : `${show(kind)} is no known ${discriminator}; ${allowed(kinds, kind)}`
    return [{ path: writePath(where), problem }]
  }
  if (found === undefined) return [{ path: writePath(path), problem: missing(path, input, schema) }]
  // The alternative that came furthest is the one that was meant.
  const deepest = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0]
  if (deepest !== undefined && depth(deepest) > 0) {
    return deepest.flatMap((inner) => explainIssue(inner, path, input, schema))
  }
  const own = issue.errors.flat().find((inner) => inner.code === 'custom' || inner.code === 'invalid_format')
  if (own !== undefined && typeof found === 'string') return [{ path: writePath(path), problem: own.message }]
  const forms = issue.errors.flatMap((errors) =>
    errors.flatMap((inner) =>
      inner.code === 'invalid_type'
        ? [article(inner.expected)]
        : inner.code === 'invalid_value'
          ? [inner.values.map((value) => show(value)).join(', ')]
          : [],
    ),
  )
  return [
    {
      path: writePath(path),
      problem: `${show(found, path)} is not allowed; ${[...new Set(forms)].join(' or ')} is expected`,
    },
  ]
}

function depth(issues: readonly Issue[]): number {
  return Math.max(
    0,
    ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)),
  )
}

function allowed(values: readonly unknown[], found: unknown): string {
  const near = typeof found === 'string' ? nearest(found, values.map(String)) : undefined
  const list = `allowed: ${values.map((value) => show(value)).join(', ')}`
  return near === undefined ? list : `did you mean ${show(near)}? (${list})`
}

function constants(schema: JsonSchema | undefined, key: string): readonly unknown[] {
  if (schema === undefined) return []
  return alternatives(schema).flatMap((option) => {
    const property = option.properties?.[key]
    if (property?.const !== undefined) return [property.const]
    return option.oneOf || option.anyOf ? constants(option, key) : (property?.enum ?? [])
  })
}

/** The schema at a path. Of a union, the alternative whose constants match what was written, unless `whole` asks for the union. */
function schemaAt(schema: JsonSchema, path: Path, input: unknown, whole = false): JsonSchema | undefined {
  let current: JsonSchema | undefined = schema
  let value = input
  for (const key of path) {
    current = current && descend(matching(current, value), key)
    value = valueAt(value, [key])
  }
  return current && (whole ? current : matching(current, value))
}

function descend(schema: JsonSchema, key: PropertyKey): JsonSchema | undefined {
  if (typeof key === 'number') return schema.items
  const property = schema.properties?.[String(key)]
  if (property !== undefined) return property
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

function matching(schema: JsonSchema, value: unknown): JsonSchema {
  const options = alternatives(schema)
  if (options.length === 1 && options[0] === schema) return schema
  if (Array.isArray(value)) return options.find((option) => option.type === 'array') ?? schema
  const fits = options
    .map((option) => matching(option, value))
    .filter((option) =>
      Object.entries(option.properties ?? {}).every(
        ([key, property]) => property.const === undefined || property.const === valueAt(value, [key]),
      ),
    )
  return fits.find((option) => option.properties !== undefined) ?? fits[0] ?? schema
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value
  for (const key of path) {
    if (typeof current !== 'object' || current === null || isSecret(current)) return undefined
    current = (current as Record<PropertyKey, unknown>)[key]
  }
  return current
}

const credentials: ReadonlySet<PropertyKey> = new Set([
  'token',
  'key',
  'password',
  'clientSecret',
  'refreshToken',
  'passphrase',
  'serviceAccount',
  'secretAccessKey',
  'sessionToken',
])

const loginParts: ReadonlySet<PropertyKey> = new Set(['body', 'claims', 'headers', 'query'])

/** S1: a credential of the wrong type (a number without quotes, in YAML) is one still. */
function holdsCredential(path: Path): boolean {
  // Its address may hold a password.
  if (path.at(-1) === 'proxy') return true
  if (path.includes('tls')) return path.at(-1) === 'key' || path.at(-1) === 'passphrase'
  if (!path.includes('auth')) return false
  // What a login sends, and what a token claims, may be a secret under any name.
  return credentials.has(path.at(-1)!) || path.some((key) => loginParts.has(key))
}

/** `sources.desk.streams["by day"].key`, `quotas[0].per` */
export function writePath(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`
      if (!/^[A-Za-z_$][\w$]*$/.test(String(key))) return `[${JSON.stringify(String(key))}]`
      return index === 0 ? String(key) : `.${String(key)}`
    })
    .join('')
}

/** A value as a message shows it: short, and never a secret (S1). */
function show(value: unknown, path: Path = []): string {
  if (holdsCredential(path)) return '***'
  if (isSecret(value)) return '***'
  if (typeof value === 'function') return 'a function'
  // What it holds may be a credential as it is, which only its own path would tell.
  if ((path.includes('auth') || path.includes('tls')) && typeof value === 'object' && value !== null)
    return Array.isArray(value) ? `a list of ${value.length}` : 'an object'
  const text = inJson(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** JSON has no `bigint`, which a config in TypeScript may hold. */
function inJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner))
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (isSecret(value)) return 'secret'
  return Array.isArray(value) ? 'list' : typeof value
}

function article(noun: string): string {
  if (noun === 'null' || noun === 'undefined') return noun
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`
}
