// For the tests of parents: lists by path, and a stream whose slices are the records of another.
import { cursor } from '../../pagination/cursor.ts'
import type { JsonRecord } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { RestOptions } from '../rest-options.ts'
import { scriptedClient } from '../testing/scripted-client.ts'

export type StreamInput = RestOptions['streams'][string]
export type Lists = Record<string, readonly JsonRecord[]>

export const pages = cursor({ token: 'next', param: 'cursor' })
export const projects: StreamInput = { path: 'projects', records: 'items', paginate: pages, key: 'id' }
export const issues: StreamInput = {
  path: 'projects/{parent.id}/issues',
  records: 'items',
  paginate: pages,
  key: 'id',
  slices: { by: 'parent', stream: 'projects' },
}

/** An API of lists by path, in pages of `size`; a query parameter `since` gives what has a `changed` of that or later. */
export function api(lists: Lists, size = 2) {
  return scriptedClient(({ url, query }) => {
    const list = lists[decodeURIComponent(url)]
    if (list === undefined) return new Error(`there is nothing at ${url}`)
    const matching = list.filter(
      ({ changed }) => query['since'] === undefined || String(changed) >= String(query['since']),
    )
    const start = Number(query['cursor'] ?? 0)
    const more = start + size < matching.length
    return { body: { items: matching.slice(start, start + size), next: more ? String(start + size) : null } }
  })
}

export const asked = ({ requests }: { requests: readonly RequestSpec[] }) =>
  requests.map(({ url, query }) => url + (query['cursor'] === undefined ? '' : `#${query['cursor']}`))

export const twoProjects: Lists = {
  projects: [{ id: 1 }, { id: 2 }, { id: 3 }],
  'projects/1/issues': [{ id: 11 }, { id: 12 }, { id: 13 }],
  'projects/2/issues': [],
  'projects/3/issues': [{ id: 31 }],
}
