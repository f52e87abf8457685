// A paginator of your own, in TypeScript, for a list that no kind reads.
import { z } from 'zod'
import type { Json } from '../ports/json.ts'
import type { Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'

const method = <T>(name: string) =>
  z.custom<T>((value) => typeof value === 'function', {
    error: `\`${name}\` must be a function. A custom paginator is code: write the pipeline in TypeScript, with customPaginator({ request, next })`,
  })

export const customOptions = z
  .strictObject({
    type: z
      .literal('custom')
      .describe('A paginator of your own. In TypeScript only: YAML holds no functions'),
    request: method<Paginator['request']>('request').describe(
      'The request of the page at a position; of the first page without one',
    ),
    next: method<Paginator['next']>('next').describe(
      'The position of the page after the one that was read, as plain JSON; undefined after the last',
    ),
    resume: method<NonNullable<Paginator['resume']>>('resume')
      .optional()
      .describe(
        'The position from which the next run goes on, for `incremental: { by: position }`. Default: none',
      ),
  })
  .describe(
    'Custom: a paginator of your own, in TypeScript only, written with `customPaginator({ request, next })`',
  )

/** What a paginator of your own says. It keeps no state: one of it serves every slice of the stream. */
export type CustomPaginator<P extends Json = Json> = Pick<Paginator<P>, 'request' | 'next' | 'resume'>

export type CustomOptions = z.input<typeof customOptions>

/**
 * A paginator of your own, for a stream's `paginate`. Its position is plain JSON, since it is stored, and differs from page to page, since
 * a list that comes back to a position is stopped (R1).
 */
export function customPaginator<P extends Json>(paginator: CustomPaginator<P>): CustomOptions {
  return { type: 'custom', ...paginator } as unknown as CustomOptions
}

/** The paginator of its options, validated already or not. */
export function fromCustom(options: CustomOptions): Paginator {
  const { request, next, resume } = parseOptions(customOptions, options)
  return {
    request: (base, position) => request(base, position),
    next: (page, position) => next(page, position),
    ...(resume && { resume: (page, position) => resume(page, position) }),
  }
}
