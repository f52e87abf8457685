// Where a paginator puts a value into a request: a query parameter, a header, or a field of the JSON body.
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import type { Json } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { parsePath, path, type Step } from './path.ts'

export const requestValue = z
  .union(
    [
      z.string().min(1, { error: "the name of a query parameter can't be empty" }),
      z.strictObject({
        header: z.string().min(1).toLowerCase().describe('Name of a request header, in any case'),
      }),
      z.strictObject({
        body: path
          .refine((text) => typeof parsePath(text)?.[0] !== 'number' && text !== '$', {
            error: 'a field of the request body begins with its key, as in "pagination.after"',
          })
          .describe(
            'Path of a field in the JSON body; objects on the way are made where they are missing. An index, as in "filters[0].value", means an item that the body has',
          ),
      }),
    ],
    {
      error:
        'name a query parameter, as in "cursor", a header, as in { header: "x-cursor" }, or a field of the body, as in { body: "page.after" }',
    },
  )
  .meta({ title: 'request place' })

/** `'cursor'` is a query parameter, `{ header: 'x-cursor' }` a header, `{ body: 'pagination.after' }` a field of the JSON body. */
export type RequestValue = z.output<typeof requestValue>

/** A request with a value put into it. */
export type RequestWriter = (base: RequestSpec, value: string | number) => RequestSpec

/** Compiles a place of the request. */
export function requestWriter(place: RequestValue): RequestWriter {
  if (typeof place === 'string') {
    return (base, value) => ({ ...base, query: { ...base.query, [place]: value } })
  }
  if ('header' in place) {
    return (base, value) => ({ ...base, headers: { ...base.headers, [place.header]: String(value) } })
  }
  const steps = parsePath(place.body) ?? []
  return (base, value) => ({ ...base, body: withField(base.body, steps, value, place.body) })
}

function withField(body: Json | undefined, steps: readonly Step[], value: Json, whole: string): Json {
  const [key, ...rest] = steps
  if (key === undefined) return value
  if (typeof key === 'number') {
    const item = Array.isArray(body) ? body.at(key) : undefined
    if (!Array.isArray(body) || item === undefined) {
      throw new ConfigError(
        '',
        `the request body can't take the field ${whole}: ${JSON.stringify(body ?? null)} stands where a list with an item [${key}] should be`,
      )
    }
    return body.with(key, withField(item, rest, value, whole))
  }
  if (body !== undefined && body !== null && (typeof body !== 'object' || Array.isArray(body))) {
    throw new ConfigError(
      '',
      `the request body can't take the field ${whole}: ${JSON.stringify(body)} stands where an object with the key ${JSON.stringify(key)} should be`,
    )
  }
  const object = (body ?? {}) as { readonly [key: string]: Json }
  // A computed key makes an own field, also for `__proto__`.
  return {
    ...object,
    [key]: withField(Object.hasOwn(object, key) ? object[key] : undefined, rest, value, whole),
  }
}
