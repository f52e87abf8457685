// The page size, spelled alike for every kind: `size: { param: 'limit', value: 100 }`.
import { z } from 'zod'
import type { RequestSpec } from '../ports/request.ts'
import { requestValue, requestWriter } from './request-value.ts'

export const pageSize = z
  .strictObject({
    param: requestValue.describe(
      'Where the page size goes: a query parameter, `{ header }` or `{ body }`, as in "limit", "per_page", "page[size]"',
    ),
    value: z
      .number()
      .int()
      .min(1)
      .describe(
        "Records to ask for per page, from 1 up to the API's maximum. The maximum needs the fewest requests",
      ),
  })
  .describe("Page size to ask for. Default: none is sent, and the API's own holds")

export type PageSize = z.output<typeof pageSize>

/** Puts the page size into a request; leaves it as it is where there is none. */
export function sizeWriter(size: PageSize | undefined): (base: RequestSpec) => RequestSpec {
  if (size === undefined) return (base) => base
  const write = requestWriter(size.param)
  return (base) => write(base, size.value)
}
