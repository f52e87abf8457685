import type { PageView } from '../../pagination/paginator.ts'
import { type ResponseValue, responseReader } from '../../pagination/response-value.ts'
import type { Value } from '../../ports/json.ts'
import { CursorMissingError } from './cursor-errors.ts'

/** Reads where a page says from where the next run goes on; `undefined` where it doesn't. */
export type MarkReader<T> = (page: PageView) => T | undefined

/**
 * @param toMark what a value means
 * @throws CursorMissingError (when read) where the page says something that is no mark
 */
export function markReader<T>(
  stream: string,
  place: ResponseValue | undefined,
  toMark: (value: Value) => T | undefined,
  wanted: string,
): MarkReader<T> | undefined {
  if (place === undefined) return undefined
  const read = responseReader(place)
  const name = typeof place === 'string' ? place : `header ${place.header}`
  return (page) => {
    const value = read(page)
    // An API that found nothing may say nothing.
    if (value === undefined || value === null || value === '') return undefined
    const mark = toMark(value)
    if (mark === undefined) throw new CursorMissingError(stream, name, {}, value, wanted, 'mark')
    return mark
  }
}
