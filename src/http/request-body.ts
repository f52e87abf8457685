import { ConfigError } from '../errors.ts'
import type { Json } from '../ports/json.ts'
import { encodeJson } from '../records/encode-json.ts'
import { flattenQuery, type QueryObject } from './request-query.ts'

/** How a body is written: as a content type says. */
export type BodyLanguage = 'json' | 'form' | 'text'

/** Without a content type a body is JSON. */
export function bodyLanguage(contentType: string | undefined): BodyLanguage {
  const type = contentType?.replace(/;.*/s, '').trim().toLowerCase()
  if (type === 'application/x-www-form-urlencoded') return 'form'
  return type === undefined || /[/+]json$/.test(type) ? 'json' : 'text'
}

/**
 * A request's body on the wire and its content type. JSON, unless `contentType` names a form, where arrays repeat their name and objects
 * make bracketed names, or the body is text: of a form or of another type, it is sent as it is.
 * @throws ConfigError where a form is neither an object nor a text, or a list in it holds objects
 */
export function encodeBody(
  body: Json,
  contentType: string | undefined,
): { text: string; contentType: string } {
  const language = bodyLanguage(contentType)
  if (language !== 'json' && typeof body === 'string') return { text: body, contentType: contentType! }
  if (language === 'form') return { text: encodeForm(body), contentType: contentType! }
  return { text: encodeJson(body as never), contentType: contentType ?? 'application/json' }
}

function encodeForm(body: Json): string {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw new ConfigError('body', `a form is an object of fields, not ${JSON.stringify(body)}`)
  const form = new URLSearchParams()
  for (const [name, values] of flattenQuery(body as QueryObject))
    for (const value of values) form.append(name, String(value))
  return form.toString()
}
