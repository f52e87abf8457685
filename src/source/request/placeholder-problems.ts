import { markedText } from '../../http/secret-parts.ts'
import { nearest } from '../../options/nearest.ts'
import { isSecret } from '../../options/secret.ts'
import { mistakenPlaceholder, scopeWords, textParts } from '../../template/placeholder.ts'
import type { StreamProblem } from '../stream-rules.ts'
import { isInScope, listScopes, type PlaceholderScopes } from './placeholder-scopes.ts'

/** Options of a request that may hold placeholders, by their names: `path`, `query`, `headers`, `body`, `graphql.variables`. */
export type TemplatedOptions = Readonly<Record<string, unknown>>

/** What in a request was meant as a placeholder and stands for nothing. */
export function* placeholderProblems(
  options: TemplatedOptions,
  scopes: PlaceholderScopes,
): Iterable<StreamProblem> {
  for (const { text, path, isKey } of textsOf(options, [])) {
    const [part] = path
    const place = part === 'path' ? 'path' : part === 'body' || part === 'graphql' ? 'body' : 'other'
    const mistaken = mistakenPlaceholder(text, place)
    if (mistaken !== undefined) {
      yield { path, message: `${describeMistake(mistaken)}; ${listScopes(scopes)}` }
    }
    for (const name of namesIn(text)) {
      if (isInScope(name, scopes)) continue
      const word = /^\w+/.exec(name)?.[0] ?? ''
      const near = scopeWords.includes(word as never) ? undefined : nearest(word, Object.keys(scopes))
      const hint = near === undefined ? ': ' : `; did you mean {${name.replace(word, near)}}? Here `
      const where = isKey ? ' in this key' : ''
      yield {
        path,
        message: `{${name}}${where} stands for nothing${hint}${listScopes(scopes)}. If it is a text, write {{${name}}}`,
      }
    }
  }
}

/** The placeholders that the options name. */
export function placeholdersOf(options: TemplatedOptions): ReadonlySet<string> {
  return new Set([...textsOf(options, [])].flatMap(({ text }) => namesIn(text)))
}

function namesIn(text: string): string[] {
  return textParts(text).flatMap((part) => ('name' in part ? [part.name] : []))
}

function describeMistake(mistaken: string): string {
  const variable = /^\{env:(\w+)\}$/.exec(mistaken)?.[1]
  if (variable !== undefined) return `${mistaken} is no variable: write \${env:${variable}}`
  return `${mistaken} is no placeholder: write the word, a dot and the field, as in {parent.id}, without spaces or a format; ${mistaken.startsWith('$') ? 'and without a $' : `for the text itself write {${mistaken}}`}`
}

function* textsOf(
  value: unknown,
  path: readonly string[],
): Iterable<{ readonly text: string; readonly path: readonly string[]; readonly isKey?: boolean }> {
  if (typeof value === 'string') yield { text: value, path }
  else if (isSecret(value)) yield { text: markedText(value), path }
  else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      const at = [...path, key]
      if (path.length > 0 && !Array.isArray(value)) yield { text: key, path: at, isKey: true }
      yield* textsOf(inner, at)
    }
  }
}
