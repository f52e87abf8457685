import { describe, expect, test } from 'vitest'
import type { JsonRecord } from '../../src/ports/json.ts'
import { type ApiAnswer, type ApiServer, apiWorld } from './harness.ts'

describe('Microsoft Graph', () => {
  const day = 86_400_000
  const origin = 'https://graph.microsoft.com/v1.0/users/delta'

  /** Users and what happens to them, in rounds of pages; tokens that are a week old are gone. */
  function graph() {
    const log: JsonRecord[] = []
    const troubles: ApiAnswer[] = []
    const seen = { logins: 0, issued: new Map<string, { at: number; now: number }>() }
    const alive = () => {
      const users = new Map<string, JsonRecord>()
      for (const entry of log) {
        if (entry['@removed']) users.delete(String(entry['id']))
        else users.set(String(entry['id']), entry)
      }
      return users
    }

    const server: ApiServer = ({ url, headers, now, body }) => {
      if (url.host === 'login.microsoftonline.com') {
        expect(url.pathname).toBe('/secret-GRAPH_TENANT/oauth2/v2.0/token')
        expect(new URLSearchParams(body).get('scope')).toBe('https://graph.microsoft.com/.default')
        return { body: { access_token: `token-${++seen.logins}`, expires_in: 3599, token_type: 'Bearer' } }
      }
      if (headers['authorization'] !== `Bearer token-${seen.logins}`)
        return { status: 401, body: { error: { code: 'InvalidAuthenticationToken', message: 'expired' } } }
      const trouble = troubles.shift()
      if (trouble) return trouble
      const size = Number(/maxpagesize=(\d+)/.exec(headers['prefer'] ?? '')?.[1] ?? 1)
      const token = url.searchParams.get('$skiptoken') ?? url.searchParams.get('$deltatoken')
      const position = token === null ? undefined : seen.issued.get(token)
      if (token !== null && (position === undefined || now - position.now > 7 * day))
        return {
          status: 410,
          headers: { location: `${origin}?$deltatoken=` },
          body: { error: { code: 'SyncStateNotFound', message: 'The sync state generation is not found' } },
        }
      // A first round tells what there is, a later one what happened since.
      const whole = token === null || token.startsWith('first')
      const list = whole ? [...alive().values()] : log
      const from = position?.at ?? 0
      // A first page of a round may be empty, and go on.
      const page = token === null ? [] : list.slice(from, from + size)
      const end = from + page.length
      const isLast = token !== null && end >= list.length
      const next = `${whole && !isLast ? 'first' : 'then'}/${seen.issued.size}'+=`
      seen.issued.set(next, { at: isLast ? log.length : end, now })
      const link = `${origin}?$${isLast ? 'deltatoken' : 'skiptoken'}=${encodeURIComponent(next)}`
      return {
        body: {
          '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#users',
          [isLast ? '@odata.deltaLink' : '@odata.nextLink']: link,
          value: page,
        },
      }
    }
    return { server, log, troubles, alive }
  }

  const byId = (a: JsonRecord, b: JsonRecord) => String(a['id']).localeCompare(String(b['id']))

  function filled(users = 1200) {
    const api = graph()
    for (let index = 0; index < users; index++)
      api.log.push({ id: `u${index}`, displayName: `User ${index}`, jobTitle: null })
    const world = apiWorld('Microsoft Graph', api.server)
    const names = (list: Iterable<JsonRecord>) =>
      [...list].toSorted(byId).map(({ id, displayName }) => [id, displayName])
    const agrees = () => expect(names(world.rows('graph_users'))).toEqual(names(api.alive().values()))
    const asked = () => world.requests.filter(({ url }) => url.host === 'graph.microsoft.com')
    return { ...api, ...world, agrees, asked }
  }

  test('links are followed whole, with their headers, and the delta link is kept', async () => {
    const { run, log, clock, agrees, asked } = filled()
    await run()
    agrees()
    expect(asked()).toHaveLength(4)
    expect(new Set(asked().map(({ headers }) => headers['prefer']))).toEqual(
      new Set(['odata.maxpagesize=500']),
    )
    await clock.advance(6 * day)
    log.push(
      { id: 'u1', displayName: 'Renamed' },
      { id: 'u2', '@removed': { reason: 'changed' } },
      { id: 'u3', '@removed': { reason: 'deleted' } },
      { id: 'u1', displayName: 'Renamed twice' },
      { id: 'u2', displayName: 'Restored' },
      { id: 'u1200', displayName: 'New' },
    )
    await run()
    agrees()
    expect(asked()).toHaveLength(5)
    // The link has nothing but the token: what the first request selected is in it.
    expect([...asked().at(-1)!.url.searchParams.keys()]).toEqual(['$deltatoken'])
    await run()
    agrees()
    expect(asked()).toHaveLength(6)
  })

  test('after a week the delta link is gone: the list is read into a new table, without what was deleted meanwhile', async () => {
    const { run, log, clock, agrees, rows } = filled(10)
    await run()
    await clock.advance(8 * day)
    log.push({ id: 'u4', '@removed': { reason: 'deleted' } }, { id: 'u10', displayName: 'New' })
    await run()
    agrees()
    expect(rows('graph_users').some(({ id }) => id === 'u4')).toBe(false)
    log.push({ id: 'u5', '@removed': { reason: 'deleted' } })
    await run()
    agrees()
  })

  test('a Retry-After with fractions is waited out to its end', async () => {
    const { run, troubles, agrees, asked } = filled(10)
    troubles.push({
      status: 429,
      headers: { 'retry-after': '2.128' },
      body: { error: { code: 'TooManyRequests', message: 'Please wait' } },
    })
    await run()
    agrees()
    const [refused, again] = asked()
    expect(again!.now - refused!.now).toBeGreaterThanOrEqual(2128)
  })
})
