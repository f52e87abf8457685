// A stored position may stem from another paginator: the config has been changed since it was committed.
import type { Json } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import { PaginationInvalidError } from './paginator.ts'
import { excerpt } from './response-value.ts'

type Form = 'text' | 'number' | 'text or a number'

/**
 * Refuses a position that this kind of paginator can't have stored.
 * @throws PaginationInvalidError that says to reset the stream
 */
export function checkPosition(base: RequestSpec, position: Json, kind: string, form: Form): void {
  const type = typeof position
  if (type === 'string' && form !== 'number') return
  if (type === 'number' && form !== 'text') return
  throw new PaginationInvalidError(
    base.url,
    `the stored position ${excerpt(position)} is none of the paginator "${kind}", which stores ${form}: it stems from other options. Reset the stream's state, or put the former options back`,
  )
}
