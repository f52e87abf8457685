import { describe, expect, test } from 'vitest'
import { type ApiAnswer, type ApiServer, apiWorld } from './harness.ts'

describe('Google Drive', () => {
  interface File {
    readonly id: string
    readonly name: string
    readonly modifiedTime: string
  }

  /** Files by time of change, two thirds of a page each, every other page empty; and a log of changes, in which the last one of a file is left. */
  function drive() {
    const files = new Map<string, File>()
    const changes = new Map<string, { number: number; fileId: string; removed: boolean; time: string }>()
    let number = 0
    const troubles: ApiAnswer[] = []
    let refreshes = 0

    const change = (fileId: string, removed: boolean, time: string) => {
      changes.delete(fileId)
      changes.set(fileId, { number: ++number, fileId, removed, time })
    }
    const put = (id: string, name: string, modifiedTime: string) => {
      files.set(id, { id, name, modifiedTime })
      change(id, false, modifiedTime)
    }
    const remove = (id: string, time: string) => {
      files.delete(id)
      change(id, true, time)
    }

    const server: ApiServer = ({ url, headers, method, body }) => {
      if (url.href === 'https://oauth2.googleapis.com/token' && method === 'POST') {
        expect(new URLSearchParams(body).get('refresh_token')).toBe('secret-GOOGLE_REFRESH_TOKEN')
        refreshes++
        // The reply has no refresh token: the old one stays good.
        return { body: { access_token: `ya29.${refreshes}`, expires_in: 3599, token_type: 'Bearer' } }
      }
      if (headers['authorization'] !== `Bearer ya29.${refreshes}`)
        return { status: 401, body: { error: { code: 401, message: 'Invalid Credentials' } } }
      const trouble = troubles.shift()
      if (trouble) return trouble
      if (url.pathname === '/drive/v3/changes/startPageToken')
        return { body: { kind: 'drive#startPageToken', startPageToken: String(number + 1) } }
      const size = Number(url.searchParams.get('pageSize'))
      const token = url.searchParams.get('pageToken')
      if (url.pathname === '/drive/v3/changes') {
        const left = [...changes.values()].filter((entry) => entry.number >= Number(token))
        const page = left.slice(0, size)
        return {
          body: {
            ...(left.length > size
              ? { nextPageToken: String(left[size]!.number) }
              : { newStartPageToken: String(number + 1) }),
            changes: page.map(({ number: _, ...entry }) => entry),
          },
        }
      }
      const since = /^modifiedTime >= '(.+)'$/.exec(url.searchParams.get('q')!)![1]!
      const list = [...files.values()]
        .filter(({ modifiedTime }) => Date.parse(modifiedTime) >= Date.parse(since))
        .sort((a, b) => Date.parse(a.modifiedTime) - Date.parse(b.modifiedTime))
      const [from, isEmpty] = token === null ? [0, false] : (JSON.parse(token) as [number, boolean])
      const page = isEmpty ? [] : list.slice(from, from + Math.ceil((size * 2) / 3))
      const end = from + page.length
      return {
        body: {
          files: page,
          ...(end < list.length && { nextPageToken: JSON.stringify([end, !isEmpty]) }),
        },
      }
    }
    return { server, files, changes, troubles, put, remove }
  }

  const iso = (ms: number) => new Date(ms).toISOString()
  const byId = (a: { id?: unknown }, b: { id?: unknown }) => String(a.id).localeCompare(String(b.id))

  function filled() {
    const api = drive()
    for (let index = 0; index < 3000; index++)
      api.put(`f${index}`, `file ${index}`, iso(Date.UTC(2024, 0, 1) + index * 60_000))
    const world = apiWorld('Google Drive', api.server)
    const names = (list: Iterable<{ id?: unknown; name?: unknown }>) =>
      [...list].toSorted(byId).map(({ id, name }) => [id, name])
    const agrees = () => expect(names(world.rows('drive_files'))).toEqual(names(api.files.values()))
    return { ...api, ...world, agrees }
  }

  test('files are read whole, then what changed, and what was removed is removed', async () => {
    const { run, requests, clock, put, remove, agrees } = filled()
    await run()
    agrees()
    await clock.advance(3_600_000)
    put('f1', 'renamed', iso(clock.now()))
    put('f3000', 'new', iso(clock.now()))
    for (let index = 100; index < 1300; index++) remove(`f${index}`, iso(clock.now()))
    remove('f3000', iso(clock.now()))
    put('f3000', 'restored', iso(clock.now()))
    remove('f2', iso(clock.now()))
    await run()
    agrees()
    const changes = requests.filter(({ url }) => url.pathname.endsWith('/changes'))
    // One page in the first run, and two from the token of its only page on.
    expect(changes.map(({ url }) => url.searchParams.get('pageToken'))).toEqual(['3001', '3001', '4002'])
    await run()
    agrees()
    expect(requests.at(-1)!.url.searchParams.get('pageToken')).toBe(String(3000 + 1200 + 5 + 1))
  })

  test('a 403 for too many requests is waited for, one for lack of permission is told', async () => {
    const { run, troubles, agrees } = filled()
    const refusal = (reason: string, message: string): ApiAnswer => ({
      status: 403,
      body: { error: { errors: [{ domain: 'usageLimits', reason, message }], code: 403, message } },
    })
    troubles.push(refusal('userRateLimitExceeded', 'User Rate Limit Exceeded'))
    await run()
    agrees()
    troubles.push(refusal('insufficientPermissions', 'Insufficient Permission'))
    await expect(run()).rejects.toThrow('Insufficient Permission')
  })
})
