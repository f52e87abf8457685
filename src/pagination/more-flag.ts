// The flag by which an API says whether there are more pages: `has_more`, with a negation `!end_of_stream`, or a condition on the body,
// `@.page < @.pages`.
import { z } from 'zod'
import { compileCondition, condition } from '../options/condition.ts'
import { LongDecimal } from '../ports/json.ts'
import { type PageView, PaginationInvalidError } from './paginator.ts'
import { parsePath } from './path.ts'
import { excerpt, responseReader } from './response-value.ts'

export const moreFlag = z
  .string()
  .refine(
    (text) =>
      isCondition(text) || (!text.startsWith('!!') && parsePath(text.replace(/^!/, '')) !== undefined),
    {
      error: (issue) =>
        `${JSON.stringify(issue.input)} is no flag: write a path of the body, with "!" before it where it says that the list has ended, as in "has_more" or "!end_of_stream", or a condition, as in "@.page < @.pages"`,
    },
  )
  .refine((text) => !isCondition(text) || condition.safeParse(text).success, {
    error: (issue) => condition.safeParse(issue.input).error?.issues[0]?.message ?? '',
  })
  .describe(
    'Path of the flag that says whether there are more pages; "!" before it negates it, as in "!end_of_stream". It may be a boolean, "true" or "false", or a number (0 is false). Where a page lacks it, the other rules decide. Or a condition on the body that holds while there are more, as in "@.page < @.pages" or "@.status != \'complete\'". Default: no flag',
  )

/**
 * What the page says: more to come, no more, or `undefined` where it says nothing.
 * @throws PaginationInvalidError where the flag can't be read as yes or no
 */
export function moreReader(flag: string | undefined): (page: PageView) => boolean | undefined {
  if (flag === undefined) return () => undefined
  if (isCondition(flag)) {
    const holds = compileCondition(flag)
    return (page) => (page.body === undefined ? undefined : holds(page.body))
  }
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
      `${place} should say whether there are more pages (true, false, "true", "false" or a number), but holds ${excerpt(value)}; ${conditionFor(place, value, negated)}name another field in \`more\`, or leave it out`,
    )
  }
}

/** A word that the API has for it can be compared. */
function conditionFor(place: string, value: unknown, negated: boolean): string {
  if (typeof value !== 'string' || !/^\w{1,20}$/.test(value) || !/^[A-Za-z_][\w.]*$/.test(place)) return ''
  const yes = /^(?:y|yes|on|more)$/i.test(value)
  const no = /^(?:n|no|off|done|end)$/i.test(value)
  // Which of the two words it is decides the sign; of one that is not known it is taken for the one that was asked for.
  const sign = (no ? !negated : negated && yes) ? '!=' : '=='
  return `write a condition, as in \`more: "@.${place} ${sign} '${value}'"\`, `
}

/** A path holds no `@.`: what does is a condition, in which `@` is the body. */
function isCondition(text: string): boolean {
  return /@[.[]/.test(text) && !text.startsWith('[')
}

const words: Readonly<Record<string, boolean | undefined>> = Object.assign(Object.create(null), {
  true: true,
  false: false,
  '1': true,
  '0': false,
})
