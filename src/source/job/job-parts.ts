import { PaginationInvalidError, type Paginator } from '../../pagination/paginator.ts'
import type { Json } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'

/** Reads the parts of a job's results one after the other, the pages of each as the inner paginator has it. */
export function partsPaginator(inner: Paginator, bases: readonly RequestSpec[]): Paginator {
  const placeOf = (position: Json | undefined): { readonly part: number; readonly at?: Json } =>
    (position as { readonly part: number; readonly at?: Json } | undefined) ?? { part: 0 }
  return {
    request(_base, position) {
      const { part, at } = placeOf(position)
      const base = bases[part]
      if (base === undefined) {
        throw new PaginationInvalidError(
          bases[0]?.url ?? '',
          `part ${part + 1} of the job's results is not there any more: there are ${bases.length}; start the stream anew with \`sluice state reset\``,
        )
      }
      return inner.request(base, at)
    },
    next(page, position) {
      const { part, at } = placeOf(position)
      const next = inner.next(page, at)
      if (next !== undefined) return { part, at: next }
      return part + 1 < bases.length ? { part: part + 1 } : undefined
    },
  }
}
