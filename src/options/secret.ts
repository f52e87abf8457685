import { inspect } from 'node:util'
import { z } from 'zod'
import { SluiceError } from '../errors.ts'
import { describeStray, type StrayReference, strayInSecret, strayReference } from './variable-reference.ts'

const brand = Symbol.for('sluice.secret')

/** A secret is named in the config and looked up late, by the value of a variable, when a run needs it. It prints as `***` (S1). */
export class Secret {
  /** Shared by every copy of the package, so that a pipeline file and the command line understand each other. */
  readonly [brand] = true
  /** Literal text and variable names in turn, as in `${USER}/token:${KEY}`. */
  readonly #parts: readonly ({ readonly text: string } | { readonly variable: string })[]

  constructor(parts: readonly ({ readonly text: string } | { readonly variable: string })[]) {
    this.#parts = parts
  }
  /** The variables that it needs. */
  get variables(): readonly string[] {
    return this.#parts.flatMap((part) => ('variable' in part ? [part.variable] : []))
  }
  /**
   * The secret's value.
   * @throws SecretMissingError where a variable is not set or is empty
   */
  reveal(lookup: SecretLookup): string {
    return this.write((variable) => {
      const value = lookup(variable)
      if (value === undefined || value === '') throw new SecretMissingError(variable, value === '')
      return value
    })
  }
  /** Its text with `write` in the place of each variable. */
  write(write: (variable: string) => string): string {
    return this.#parts.map((part) => ('text' in part ? part.text : write(part.variable))).join('')
  }
  toString(): string {
    return '***'
  }
  toJSON(): string {
    return '***'
  }
  [inspect.custom](): string {
    return '***'
  }
}

/** Finds a variable's value: the environment, a vault, a test's map. */
export type SecretLookup = (variable: string) => string | undefined

/** A secret from the environment variable `name`, read when the run needs it. */
export function env(name: string): Secret {
  return new Secret([{ variable: name }])
}

/** A string with `${env:NAME}` in it as a `Secret`; any other string as it is. */
export function parseSecret(text: string): Secret | string {
  const parts: ({ text: string } | { variable: string })[] = []
  let end = 0
  for (const match of text.matchAll(/\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index) })
    parts.push({ variable: match[1]! })
    end = match.index + match[0].length
  }
  if (parts.length === 0) return text
  if (end < text.length) parts.push({ text: text.slice(end) })
  return new Secret(parts)
}

export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && brand in value
}

/** The value of a secret option: a literal string stands for itself. */
export function revealSecret(value: Secret | string, lookup: SecretLookup): string {
  return typeof value === 'string' ? value : value.reveal(lookup)
}

export class SecretMissingError extends SluiceError {
  readonly code = 'SECRET_MISSING'
  readonly recovery = 'fix-config'
  readonly variable: string
  /** `path` is the option that names it; `others` are missing besides. */
  constructor(
    variable: string,
    empty: boolean,
    path = '',
    others: readonly { readonly variable: string; readonly empty: boolean; readonly path: string }[] = [],
  ) {
    const where = path === '' ? '' : `${path}: `
    const also = others.map(
      (other) => `\n  also ${other.path}: ${other.variable} is ${other.empty ? 'empty' : 'not set'}`,
    )
    super(
      `${where}the environment variable ${variable} is ${empty ? 'empty' : 'not set'}: set it before the run, or name another one in the pipeline${also.join('')}`,
    )
    this.variable = variable
  }
}

const mayNameVariables = textWithout(strayReference)

/** A text that names variables in no way but the right one. */
function textWithout(stray: (text: string) => StrayReference | undefined) {
  return z.string().refine((text) => stray(text) === undefined, {
    abort: true,
    error: (issue) => describeStray(stray(String(issue.input)) ?? {}),
  })
}

/** An option that takes a secret: `env('NAME')` in TypeScript, `${env:NAME}` in YAML; a literal is taken too. */
export const secret = z
  .union([textWithout(strayInSecret).min(1).transform(parseSecret), z.custom<Secret>(isSecret)])
  .meta({ title: 'secret' })

/** A text that may be a secret, or have one inside, as in `token=${env:KEY}`. Other than `secret` it may be empty. */
export const textOrSecret = z
  .union([mayNameVariables.transform(parseSecret), z.custom<Secret>(isSecret)])
  .meta({ title: 'text or secret' })

/**
 * A web address that may name environment variables, as in `${env:DESK_URL}/api`: it is looked up with the secrets, and is
 * itself none.
 */
export const address = z
  .union(
    [
      mayNameVariables
        .refine((text) => !hasUserinfo(text), { abort: true, error: () => userinfoProblem })
        .transform(parseSecret)
        .refine((value) => isSecret(value) || isAddress(value), { error: noAddress }),
      z.custom<Secret>(isSecret),
    ],
    { error: noAddress },
  )
  .meta({ title: 'address' })

function noAddress(issue: { readonly input?: unknown }): string {
  if (typeof issue.input === 'string' && hasUserinfo(issue.input)) return userinfoProblem
  const found = typeof issue.input === 'bigint' ? `${issue.input}n` : JSON.stringify(issue.input)
  return `${found} is no address: write one that starts with http:// or https://, or env('NAME')`
}

/** What is wrong with an address in which a user name or a password stands. Neither is quoted (S1). */
export const userinfoProblem =
  'a user name or password stands in the address, where it would not be sent: take it out, and write `auth: { type: basic, username: …, password: … }`'

/** Whether a web address has a user name or a password in it, as in `https://user:password@host`. */
export function hasUserinfo(text: string): boolean {
  return /^\s*[a-z][a-z\d+.-]*:\/\/[^/?#]*@/i.test(text)
}

/** Whether a text is a whole web address. */
export function isAddress(text: string): boolean {
  return /^https?:\/\/[^/]/.test(text) && URL.canParse(text)
}
