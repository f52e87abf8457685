import { LongDecimal, type Value } from '../ports/json.ts'

/**
 * What an API says of a problem in its error body, where it is obvious: its message, the error's code behind it where the message doesn't
 * name it, and the fields that are at fault. Understood are the envelopes of the services that the tests name, OAuth (RFC 6749) and
 * problem details (RFC 9457).
 */
export function apiMessage(body: Value | undefined): string | undefined {
  const main = pick(body, 0)
  if (main === undefined) return undefined
  const details = detailsOf(body).filter((detail) => !main.includes(detail))
  // What is at fault with a field is said with the field's name, and once.
  const isDetail = details.some((detail) => detail.endsWith(`: ${main}`))
  const said = [...(isDetail ? [] : [main]), ...details.slice(0, mostDetails)]
  const code = codeIn(body, 0)
  const isNamed = code === undefined || main.toLowerCase().includes(code.toLowerCase())
  const [first, ...others] = isNamed ? said : [`${said[0]!} (${code})`, ...said.slice(1)]
  return others.length === 0 ? first : `${first}${isDetail ? '; ' : ': '}${others.join('; ')}`
}

/** A JSON text of an error, or `undefined` where it is none, as where it was cut. */
export function parseErrorBody(text: string): Value | undefined {
  try {
    return JSON.parse(text) as Value
  } catch {
    return undefined
  }
}

const mostDetails = 3

/** The likeliest first. `errorSummary`: Okta; `errorMessages`: Jira; `_errors`: Discord. */
const messageFields = [
  'error_description',
  'message',
  'detail',
  'error_message',
  'errorSummary',
  'description',
  'errorMessages',
  'msg',
  'error',
  'errors',
  'fault',
  'faultstring',
  'title',
  'reason',
  '_errors',
]
const codeFields = ['code', 'errorCode', 'error_code', 'type', 'error', 'title', 'reason', 'category']
const innerFields = ['error', 'errors', 'fault']

type Fields = { readonly [name: string]: Value }

function isFields(value: Value | undefined): value is Fields {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LongDecimal)
  )
}

function pick(value: Value | undefined, depth: number): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim()
  if (depth > 3) return undefined
  if (Array.isArray(value)) return pick(value[0], depth + 1)
  if (!isFields(value)) return undefined
  for (const name of messageFields) {
    const found = Object.hasOwn(value, name) ? pick(value[name], depth + 1) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** The class of the error: a word, not a sentence, a number of an error's own, or an address. */
function codeIn(value: Value | undefined, depth: number): string | undefined {
  if (depth > 3) return undefined
  if (Array.isArray(value)) return codeIn(value[0], depth + 1)
  if (!isFields(value)) return undefined
  for (const name of innerFields) {
    const found = Object.hasOwn(value, name) ? codeIn(value[name], depth + 1) : undefined
    if (found !== undefined) return found
  }
  for (const name of codeFields) {
    const code = Object.hasOwn(value, name) ? value[name] : undefined
    if (typeof code === 'string' && /^[A-Za-z][\w.-]{2,60}$/.test(code) && !/^error(\.list)?$/.test(code))
      return code
    // A status is shown already.
    if (typeof code === 'number' && !(code >= 100 && code < 600)) return String(code)
  }
  return undefined
}

/** The fields that an API finds fault with, as in `title: can't be blank`. */
function detailsOf(body: Value | undefined): string[] {
  if (!isFields(body)) return []
  const { needed, provided } = body
  // Slack, of a scope.
  if (typeof needed === 'string' && typeof provided === 'string')
    return [`needed ${needed}, provided ${provided}`]
  return ['errors', 'message', 'details'].flatMap((name) => {
    const value = Object.hasOwn(body, name) ? body[name] : undefined
    if (Array.isArray(value)) return value.flatMap(itemDetail)
    return isFields(value) && !('message' in value) ? fieldDetails(value) : []
  })
}

/** An entry of a list of errors: GitHub's `{ resource, field, code }`, or one with a message and the place that it speaks of. */
function itemDetail(item: Value): string[] {
  if (!isFields(item)) return typeof item === 'string' && item !== '' ? [item] : []
  const source = isFields(item['source']) ? item['source'] : {}
  const place = [item['field'], item['path'], source['parameter'], source['pointer']].find(
    (value) => typeof value === 'string' && value !== '',
  )
  const text = pick(item, 1) ?? (typeof item['code'] === 'string' ? item['code'] : undefined)
  if (text === undefined) return []
  return [place === undefined ? text : `${String(place)}: ${text}`]
}

/** `{ title: ["can't be blank"] }`, also nested (Zendesk's `details`, Discord's `_errors`). */
function fieldDetails(fields: Fields, prefix = '', depth = 0): string[] {
  if (depth > 5) return []
  return Object.entries(fields).flatMap(([name, value]) => {
    const path = name === '_errors' ? prefix : prefix === '' ? name : `${prefix}.${name}`
    if (isFields(value)) return fieldDetails(value, path, depth + 1)
    const text = pick(value, 1)
    return text === undefined ? [] : [`${path}: ${text}`]
  })
}
