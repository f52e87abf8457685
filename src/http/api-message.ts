/** What an API says of a problem in a JSON error body, where it is obvious: the places that REST APIs, OAuth (RFC 6749) and problem details (RFC 9457) use. */
export function apiMessage(body: string): string | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return undefined
  }
  return pick(parsed, 0)
}

const messageFields = [
  'error_description',
  'message',
  'detail',
  'error_message',
  'description',
  'error',
  'errors',
  'title',
  'reason',
]

function pick(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim()
  if (typeof value !== 'object' || value === null || depth > 3) return undefined
  if (Array.isArray(value)) return pick(value[0], depth + 1)
  for (const field of messageFields) {
    const found = pick((value as Record<string, unknown>)[field], depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}
