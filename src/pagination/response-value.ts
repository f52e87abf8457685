// Where a paginator finds a value in a response: at a path of the body, or in a header.
import { z } from 'zod'
import { LongDecimal, type Value } from '../ports/json.ts'
import { type PageView, PaginationInvalidError } from './paginator.ts'
import { compilePath, path } from './path.ts'

export const responseValue = z
  .union(
    [
      path,
      z.strictObject({
        header: z.string().min(1).toLowerCase().describe('Name of a response header, in any case'),
      }),
    ],
    {
      error: 'name a path of the body, as in "meta.next", or a header, as in { header: "x-next" }',
    },
  )
  .meta({ title: 'response place' })

/** `'meta.next'` reads the body, `{ header: 'x-next' }` a header. */
export type ResponseValue = z.output<typeof responseValue>

/** Compiles a place of the response. */
export function responseReader(place: ResponseValue): (page: PageView) => Value | undefined {
  if (typeof place === 'string') {
    const read = compilePath(place)
    return (page) => read(page.body)
  }
  return (page) => {
    const value = page.headers[place.header]
    return typeof value === 'object' ? value[0] : value
  }
}

/** For messages: `meta.next`, or `header x-next`. */
export function describePlace(place: ResponseValue): string {
  return typeof place === 'string' ? place : `header ${place.header}`
}

/** A value as text with all of its digits (R4); `undefined` where it is absent, null, empty, or not a scalar text or number. */
export function scalarText(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return value instanceof LongDecimal ? value.text : undefined
}

/**
 * A token: text, or a number with all of its digits. `undefined` where there is none: absent, null, false or empty. A header can hold
 * no null, so that its text `null` is one (Salesforce's `Sforce-Locator`).
 * @throws PaginationInvalidError where it is `true`, an array or an object
 */
export function tokenReader(place: ResponseValue): (page: PageView) => string | undefined {
  const read = responseReader(place)
  return (page) => {
    const value = read(page)
    if (value === undefined || value === null || value === '' || value === false) return undefined
    const text = scalarText(value)
    if (text === 'null' && typeof place === 'object') return undefined
    if (text !== undefined) return text
    throw new PaginationInvalidError(
      page.url,
      `${describePlace(place)} should hold text or a number, but holds ${excerpt(value)}; name the place of the token itself`,
    )
  }
}

/**
 * A count of pages or records, sent as a number or as text. `undefined` where there is none: absent, null or empty.
 * @throws PaginationInvalidError where it is no whole number of 0 or more
 */
export function countReader(place: ResponseValue | undefined): (page: PageView) => number | undefined {
  if (place === undefined) return () => undefined
  const read = responseReader(place)
  return (page) => {
    const value = read(page)
    if (value === undefined || value === null || value === '') return undefined
    const count = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value
    if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count
    throw new PaginationInvalidError(
      page.url,
      `${describePlace(place)} should hold a count, but holds ${excerpt(value)}; name the place of the count, or leave the option out`,
    )
  }
}

/** A value for a message, cut to 80 characters. */
export function excerpt(value: unknown): string {
  const text =
    JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? each.toString() : each)) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
