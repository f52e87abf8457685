import { compilePath } from '../../pagination/path.ts'
import { LongDecimal, type Value } from '../../ports/json.ts'

/** A message's placeholders, as those of a request: `{name}` or `{name.field}`; `{{` and `}}` are the braces themselves. */
const part = /\{\{|\}\}|\{([A-Za-z_][\w.[\]-]*)\}/g
const longestValue = 200

/** A message with placeholders. What a placeholder stands for may be absent: it is told of a failure, and must not be one. */
export type MessageTemplate = (values: Readonly<Record<string, Value>>) => string

export function messageTemplate(text: string): MessageTemplate {
  const pieces: (string | ((values: Readonly<Record<string, Value>>) => string))[] = []
  let end = 0
  for (const match of text.matchAll(part)) {
    pieces.push(text.slice(end, match.index))
    end = match.index + match[0].length
    const name = match[1]
    if (name === undefined) {
      pieces.push(match[0][0]!)
      continue
    }
    const read = compilePath(name)
    pieces.push((values) => valueText(read(values)) ?? '(none)')
  }
  pieces.push(text.slice(end))
  return (values) => pieces.map((piece) => (typeof piece === 'string' ? piece : piece(values))).join('')
}

/** What a request was for, by the values that it was filled with: `parent.id 7, slice.from 2024-01-01`. */
export function describeValues(
  placeholders: readonly string[],
  values: Readonly<Record<string, Value>>,
): string | undefined {
  const named = placeholders.flatMap((name) => {
    const text = valueText(compilePath(name)(values))
    return text === undefined ? [] : [`${name} ${text}`]
  })
  return named.length === 0 ? undefined : named.join(', ')
}

function valueText(value: Value | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  const text =
    value instanceof LongDecimal || typeof value !== 'object'
      ? String(value)
      : JSON.stringify(value, (_name, each) => (typeof each === 'bigint' ? each.toString() : each))
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text
}
