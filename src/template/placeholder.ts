// What is a placeholder in a text. `{parent.id}`: one word that says where the value comes from, a dot, and the path of the field. No
// other brace means anything, so that GraphQL, JSON and scripts in a text are sent as they are written. The placeholder itself,
// as text, is written with twice the braces: `{{parent.id}}`; and
// `${parent.id}` is the language's own, where a script has such.

const word = String.raw`[A-Za-z_]\w*`
const step = String.raw`(?:\.[^\s.,:;!?{}()[\]'"]+|\[-?\d+\]|\['[^'{}]*'\]|\["[^"{}]*"\])`
/** A word, then at least one more step of a path: a key, an index or a quoted key. */
const name = `${word}${step}+`

/** A text that is one word in braces would be taken for a placeholder that lacks its field: twice the braces make it a text. */
const escapedWord = /^\{(\{[A-Za-z_]\w*\})\}$/

const inBraces = (name: string) => new RegExp(String.raw`(?<![{$])(\{+)(${name})(\}+)`, 'g')
const placeholder = inBraces(name)
const fieldPlaceholder = inBraces(`${word}${step}*`)

/** A text in parts: texts as they are sent, and the names of placeholders. */
export type TextPart = { readonly text: string } | { readonly name: string }

export function textParts(text: string): readonly TextPart[] {
  const word = escapedWord.exec(text)?.[1]
  return word === undefined ? partsOf(text, placeholder) : [{ text: word }]
}

/** The parts of a text in which a word alone is a placeholder, too: the field of a record, as in `{first} {last}`. */
export function fieldTextParts(text: string): readonly TextPart[] {
  return partsOf(text, fieldPlaceholder)
}

function partsOf(text: string, placeholder: RegExp): readonly TextPart[] {
  const parts: TextPart[] = []
  let literal = ''
  let end = 0
  for (const match of text.matchAll(placeholder)) {
    const [whole, open = '', name = '', close = ''] = match
    const depth = Math.min(open.length, close.length)
    const half = Math.floor(depth / 2)
    literal += text.slice(end, match.index) + open.slice(depth) + '{'.repeat(half)
    if (depth % 2 === 0) literal += name
    else {
      if (literal !== '') parts.push({ text: literal })
      parts.push({ name })
      literal = ''
    }
    literal += '}'.repeat(half) + close.slice(depth)
    end = match.index + whole.length
  }
  literal += text.slice(end)
  if (literal !== '') parts.push({ text: literal })
  return parts
}

export function holdsPlaceholder(text: string): boolean {
  return textParts(text).some((part) => 'name' in part)
}

/** The words that a placeholder may begin with, and what each stands for. */
export const scopeWords = ['parent', 'slice', 'cursor', 'job'] as const

/** `{ parent.id }`, `{parent.id:>5}`, `{parent!r}`, `{env:NAME}`. GraphQL has `{ cursor }` and `{ cursor: after }`. */
const almost = new RegExp(
  String.raw`(?<![{$])\{(?!${name}\})(?:\s*(?:${scopeWords.join('|')})\s*[.[][^{}]*|(?:${scopeWords.join('|')})[!:][^\s{}]+|env:\w+)\}(?!\})`,
)
const bareWord = /(?<![{$])\{[A-Za-z_]\w*\}(?!\})/

const withDollar = new RegExp(String.raw`\$\{(?:${scopeWords.join('|')})[.[][^{}]*\}`)

/**
 * What in a text was meant to be a placeholder, and is none; `undefined` where nothing was.
 * @param place no path holds braces that are meant as braces, and a body may be a script
 */
export function mistakenPlaceholder(text: string, place: 'path' | 'body' | 'other'): string | undefined {
  const found = almost.exec(text)?.[0] ?? (place === 'body' ? undefined : withDollar.exec(text)?.[0])
  if (found !== undefined) return found
  const word = bareWord.exec(text)?.[0]
  return word !== undefined && (place === 'path' || word === text) ? word : undefined
}
