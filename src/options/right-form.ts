// How an option is written, for whoever wrote something of another kind: `size: { param: limit, value: 100 }`.
import { alternatives, type JsonSchema } from './json-schema.ts'

const longest = 80

/** By the title of an option's schema: what a number alone was likely to mean. */
const unitOf: Readonly<Record<string, string>> = { duration: 's', size: 'MB' }

/**
 * What to write in the place of `found`, or `undefined` where nothing better than the kind can be said.
 * @param isShown whether the value may be quoted (S1)
 */
export function rightForm(
  name: string,
  found: unknown,
  expected: string,
  schema: JsonSchema | undefined,
  isShown: boolean,
): string | undefined {
  const quotes = (text: string) => (text.length > longest ? undefined : `write \`${name}: ${text}\``)
  if (expected === 'number' || expected === 'int')
    return isShown && typeof found === 'string' && /^-?\d+(\.\d+)?$/.test(found)
      ? `write it without quotes: \`${name}: ${found}\``
      : undefined
  if (expected === 'boolean')
    return found === 'true' || found === 'false'
      ? `write it without quotes: \`${name}: ${found}\``
      : undefined
  if (expected === 'string' && isShown && typeof found === 'number') {
    const unit = unitOf[schema?.title ?? '']
    return unit === undefined
      ? quotes(`"${found}"`)
      : `write it with its unit, as in \`${name}: ${found}${unit}\``
  }
  if (expected === 'array') {
    const inside =
      typeof found === 'object' && found !== null ? objectForm(schema?.items, found) : inline(found)
    return isShown && inside !== undefined ? quotes(`[${inside}]`) : undefined
  }
  if (expected === 'record') {
    const entry = typeof schema?.additionalProperties === 'object' && schema.additionalProperties.properties
    return quotes(entry ? '{ NAME: { … } }' : '{ NAME: … }')
  }
  if (expected !== 'object') return undefined
  const form = objectForm(schema, found)
  return isShown && form !== undefined ? quotes(form) : undefined
}

/** `{ param: limit, value: 100 }`: with what was written where it has a place, else with the example of the option's description. */
function objectForm(schema: JsonSchema | undefined, found: unknown): string | undefined {
  const object = schema && alternatives(schema).find(({ properties }) => properties !== undefined)
  const properties = Object.entries(object?.properties ?? {})
  const written = typeof found === 'object' && found !== null ? Object.entries(found) : []
  if (written.length > 0) {
    const parts = written.map(([key, value]) => [key, inline(value)] as const)
    return parts.some(([, value]) => value === undefined)
      ? undefined
      : `{ ${parts.map(([key, value]) => `${key}: ${value}`).join(', ')} }`
  }
  const shown = properties.filter(([key]) => object?.required?.includes(key))
  if (shown.length === 0) return undefined
  const place = shown.find(([, property]) => kindOf(property) === typeof found)?.[0]
  const values = shown.map(
    ([key, property]) => `${key}: ${key === place ? inline(found) : exampleOf(property)}`,
  )
  return `{ ${values.join(', ')} }`
}

function exampleOf({ const: only, description }: JsonSchema): string {
  if (only !== undefined) return String(only)
  return /as in "([\w.-]+)"/.exec(description ?? '')?.[1] ?? '…'
}

function kindOf({ type }: JsonSchema): string | undefined {
  return type === 'integer' ? 'number' : typeof type === 'string' ? type : undefined
}

function inline(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' ? (/^[\w.-]+$/.test(value) ? value : JSON.stringify(value)) : undefined
}
