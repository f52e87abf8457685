// Which requests a limit is for, and which of its parts: `for` and `each`.
import { compilePath } from '../../pagination/path.ts'
import type { Value } from '../../ports/json.ts'
import { textParts } from '../../template/placeholder.ts'
import type { QuotaAsk } from '../quota.ts'
import type { QuotaEntry } from './entry.ts'
import { textPattern, urlPattern } from './url-pattern.ts'

export type ClassTest = (ask: QuotaAsk) => boolean

/** A request of which nothing is known may be one of the class, so it counts as one (Q1). */
export function classTest({ methods, path, header }: NonNullable<QuotaEntry['for']>): ClassTest {
  const paths = path?.map(urlPattern)
  const headers = Object.entries(header ?? {}).map(([name, value]) => ({ name, test: textPattern(value) }))
  return ({ request }) => {
    if (request === undefined) return true
    if (methods !== undefined && !methods.includes(request.method)) return false
    if (paths !== undefined && !paths.some((matches) => matches(request.url) !== undefined)) return false
    for (const { name, test } of headers) {
      const value = request.headers[name]
      if (value === undefined || !test(value)) return false
    }
    return true
  }
}

/** Tells the part of a limit that a request belongs to; '' for those that name none, `undefined` for those that it doesn't limit. */
export type PartitionKey = (ask: QuotaAsk) => string | undefined

export function partitionKey(each: NonNullable<QuotaEntry['each']>): PartitionKey {
  if (typeof each === 'string') return placeholderKey(each)
  if ('header' in each) return ({ request }) => request?.headers[each.header] ?? ''
  if ('query' in each) return ({ request }) => (request && queryValue(request.url, each.query)) ?? ''
  const matches = urlPattern(each.path)
  return ({ request }) => (request === undefined ? '' : matches(request.url)?.join('/'))
}

function placeholderKey(text: string): PartitionKey {
  const parts = textParts(text).map((part) => ('text' in part ? () => part.text : compilePath(part.name)))
  return ({ values }) => {
    if (values === undefined) return ''
    const all = values as { [key: string]: Value }
    const found = parts.map((read) => read(all))
    return found.includes(undefined) ? '' : found.map(String).join('')
  }
}

function queryValue(url: string, name: string): string | undefined {
  const start = url.indexOf('?')
  return start < 0 ? undefined : (new URLSearchParams(url.slice(start + 1)).get(name) ?? undefined)
}
