import { ConfigError } from '../errors.ts'
import type { Json } from '../ports/json.ts'

/**
 * A request's body on the wire and its content type. JSON, unless `contentType` names a form, where arrays repeat their name, or the
 * body is text of another type, which is sent as it is.
 * @throws ConfigError where a form would have to hold objects
 */
export function encodeBody(
  body: Json,
  contentType: string | undefined,
): { text: string; contentType: string } {
  const type = contentType?.replace(/;.*/s, '').trim().toLowerCase()
  if (type === 'application/x-www-form-urlencoded')
    return { text: encodeForm(body), contentType: contentType! }
  if (type !== undefined && typeof body === 'string' && !/[/+]json$/.test(type))
    return { text: body, contentType: contentType! }
  return { text: JSON.stringify(body), contentType: contentType ?? 'application/json' }
}

function encodeForm(body: Json): string {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw new ConfigError('body', `a form is an object of fields, not ${JSON.stringify(body)}`)
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(body)) {
    for (const one of Array.isArray(value) ? (value as readonly Json[]) : [value]) {
      if (one !== null && typeof one === 'object')
        throw new ConfigError(`body.${name}`, 'a form field holds text, a number or a boolean, not an object')
      form.append(name, one === null ? '' : String(one))
    }
  }
  return form.toString()
}
