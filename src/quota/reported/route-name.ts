import type { QuotaRequest } from '../quota.ts'

/** Parts of a path that name one thing of many: numbers, UUIDs, hashes, and long words with digits in them. */
const id = /^(?:\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|(?=.*\d)[\w.~=-]{20,})(?:\.json)?$/i
/** Discord counts a route apart for each of these: `/channels/290926798999357250/messages`. */
const topLevelResource = /\/((?:guilds|channels|webhooks)\/\d{15,})(?=\/|$)/

/** Requests of one name are taken to count against the same budgets: method and path, whatever ids are in it. */
export function routeName({ method, url, route }: QuotaRequest): string {
  if (route !== undefined) return route
  const path = pathOf(url)
  return `${method} ${path
    .split('/')
    .map((part) => (id.test(part) ? ':id' : part))
    .join('/')}`
}

/** What a request asks for, ids included, without its query. */
export function endpointOf({ method, url, route }: QuotaRequest): string {
  return route ?? `${method} ${pathOf(url)}`
}

/** The resource for which an API that counts by resource counts a request; empty where there is none. */
export function resourceName({ url }: QuotaRequest): string {
  return topLevelResource.exec(pathOf(url))?.[1] ?? ''
}

/** Without parsing: this is asked for each request. */
function pathOf(url: string): string {
  const scheme = url.indexOf('://')
  const begin = scheme < 0 ? 0 : url.indexOf('/', scheme + 3)
  if (begin < 0) return '/'
  let end = url.indexOf('?', begin)
  if (end < 0) end = url.indexOf('#', begin)
  return end < 0 ? url.slice(begin) : url.slice(begin, end)
}
