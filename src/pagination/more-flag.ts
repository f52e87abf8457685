// The flag by which an API says whether there are more pages: `has_more`, or with a negation `!end_of_stream`.
import { z } from 'zod'
import { LongDecimal } from '../ports/json.ts'
import { type PageView, PaginationInvalidError } from './paginator.ts'
import { parsePath } from './path.ts'
import { excerpt, responseReader } from './response-value.ts'

export const moreFlag = z
  .string()
  .refine((text) => !text.startsWith('!!') && parsePath(text.replace(/^!/, '')) !== undefined, {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is no flag: write a path of the body, with "!" before it where it says that the list has ended, as in "has_more" or "!end_of_stream"`,
  })
  .describe(
    'Path of the flag that says whether there are more pages; "!" before it negates it, as in "!end_of_stream". It may be a boolean, "true" or "false", or a number (0 is false). Where a page lacks it, the other rules decide. Default: no flag',
  )

/**
 * What the page says: more to come, no more, or `undefined` where it says nothing.
 * @throws PaginationInvalidError where the flag can't be read as yes or no
 */
export function moreReader(flag: string | undefined): (page: PageView) => boolean | undefined {
  if (flag === undefined) return () => undefined
  const negated = flag.startsWith('!')
  const place = negated ? flag.slice(1) : flag
  const read = responseReader(place)
  return (page) => {
    const value = read(page)
    if (value === undefined || value === null || value === '') return undefined
    let says: boolean | undefined
    if (typeof value === 'boolean') says = value
    else if (typeof value === 'number') says = value !== 0
    else if (typeof value === 'bigint' || value instanceof LongDecimal) says = true
    else if (typeof value === 'string') says = words[value.trim().toLowerCase()]
    if (says !== undefined) return says !== negated
    throw new PaginationInvalidError(
      page.url,
      `${place} should say whether there are more pages (true, false, "true", "false" or a number), but holds ${excerpt(value)}; name another field in \`more\`, or leave it out`,
    )
  }
}

const words: Readonly<Record<string, boolean | undefined>> = Object.assign(Object.create(null), {
  true: true,
  false: false,
  '1': true,
  '0': false,
})
