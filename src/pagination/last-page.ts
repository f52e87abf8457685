// How the last page of a list looks, where the API doesn't say that it is the last.
import { z } from 'zod'

/** Of kinds that advance by themselves: an empty page is the last; a short one only where the config says so. */
export const lastPage = z
  .enum(['empty', 'short'])
  .default('empty')
  .describe(
    'How the last page looks where neither a total nor a flag tells: "empty" reads on until a page holds no records; "short" takes a page with fewer records than `size.value` for the last, which saves one request, and loses records at an API that cuts pages short or allows smaller pages than `size.value`. Default "empty"',
  )

/** Of kinds that follow what the API names: only where the API names a next page for ever. */
export const emptyLastPage = z
  .literal('empty')
  .optional()
  .describe(
    '"empty": a page without records is the last, for an API that names a next page for ever. Default: the last page is the one that names no next page, and an empty page goes on',
  )

export const shortNeedsSize = {
  path: ['lastPage'],
  error: 'lastPage: "short" needs `size`: without it no page can be told to be short',
}
