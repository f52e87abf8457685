import type { Value } from '../../ports/json.ts'

type Fields = { readonly [key: string]: Value }

const longestMessage = 300

/**
 * The message of an error that an API sends under status 200 (R2), or `undefined` where the body is none. To be asked where
 * the record selector found nothing: a record may have a field `error` of its own.
 *
 * Known forms: `{"error": …}`, `{"errors": […]}`, `{"ok": false, …}`, `{"success": false, …}`, `{"status": "error", …}`,
 * `{"fault": …}`, and a numeric `status` or `code` of 400 and above beside a message.
 */
export function errorBodyMessage(body: Value): string | undefined {
  if (!isFields(body)) return undefined
  const { error, errors, fault } = body
  const message =
    (isPresent(error) ? join(describe(error), describeFields(body)) : undefined) ??
    (isPresent(errors) ? describe(errors) : undefined) ??
    (isPresent(fault) ? describe(fault) : undefined) ??
    (saysFailed(body) ? (describeFields(body) ?? jsonText(body)) : undefined)
  return message === undefined ? undefined : shorten(message)
}

function isFields(value: Value | undefined): value is Fields {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !('text' in value && 'toJSON' in value)
  )
}

/** `"error": null`, `false`, `""`, `0`, `[]` and `{}` say that there is none. */
function isPresent(value: Value | undefined): value is Value {
  if (value === undefined || value === null || value === false || value === '' || value === 0) return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

function saysFailed(body: Fields): boolean {
  const { ok, success, status, code } = body
  if (isFalse(ok) || isFalse(success)) return true
  if (typeof status === 'string' && /^(error|fail|failed|failure)$/i.test(status)) return true
  return (
    (isErrorStatus(status) || isErrorStatus(code)) &&
    ['title', ...textNames].some((name) => isPresent(body[name]))
  )
}

function isFalse(value: Value | undefined): boolean {
  return value === false || value === 'false'
}

function isErrorStatus(value: Value | undefined): boolean {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 600
}

/** Lists inside one another that are looked into: what is deeper is no message. */
const deepest = 4

function describe(value: Value, depth = 0): string | undefined {
  if (value === true) return 'error: true'
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  if (Array.isArray(value)) {
    const first = value
      .slice(0, 3)
      .map((item) => (depth < deepest ? describe(item, depth + 1) : undefined) ?? jsonText(item))
    return value.length > 3 ? `${first.join('; ')}; and ${value.length - 3} more` : first.join('; ')
  }
  return isFields(value) ? (describeFields(value) ?? jsonText(value)) : undefined
}

/** What error objects call their parts, the class of the error first. */
const codeNames = ['code', 'type', 'title', 'reason', 'error_code']
const textNames = [
  'message',
  'detail',
  'description',
  'error_description',
  'error_message',
  'msg',
  'faultstring',
]

function describeFields(fields: Fields): string | undefined {
  const text = (names: readonly string[]) =>
    names
      .map((name) => fields[name])
      .find((value) => (typeof value === 'string' && value !== '') || typeof value === 'number')
  const code = text(codeNames)
  const message = text(textNames)
  if (message === undefined) return code === undefined ? undefined : String(code)
  return code === undefined ? String(message) : `${code}: ${message}`
}

function join(first: string | undefined, second: string | undefined): string | undefined {
  return first === undefined || second === undefined || first === second
    ? (first ?? second)
    : `${first} (${second})`
}

function jsonText(value: Value): string {
  try {
    return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item))
  } catch {
    // Nested deeper than the stack allows.
    return '(nested too deep to be shown)'
  }
}

function shorten(message: string): string {
  return message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message
}
