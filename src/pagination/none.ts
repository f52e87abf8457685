// No pagination: the first response holds the whole list.
import { z } from 'zod'
import { pageSize, sizeWriter } from './page-size.ts'
import type { Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'

export const noneOptions = z
  .strictObject({
    type: z.literal('none').describe('There is one page'),
    size: pageSize.optional(),
  })
  .describe('None: one request reads the whole list')

export type NoneOptions = z.input<typeof noneOptions>

/** Options of a list that has one page, for a stream's `paginate`. */
export function none(options: Omit<NoneOptions, 'type'> = {}): NoneOptions {
  return { type: 'none', ...options }
}

/** A paginator of one page. It never stores a position. */
export function nonePaginator(input: NoneOptions): Paginator<never> {
  const withSize = sizeWriter(parseOptions(noneOptions, input).size)
  return { request: (base) => withSize(base), next: () => undefined, all: () => [] }
}
