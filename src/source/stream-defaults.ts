// What a source says for all of its streams: `defaults`, a stream's options in part. They are merged before anything is validated, so that
// what comes out is what a user could have written into each stream.
import { isSecret } from '../options/secret.ts'

type Fields = { readonly [key: string]: unknown }

/** These say what a request is made of, in many small parts; every other option means one thing, and is replaced whole. */
const merged: ReadonlySet<string> = new Set(['query', 'headers', 'body'])

/**
 * The source with its `defaults` in each stream. A stream's own option takes the place of the default, and null takes it away. `query`,
 * `headers` and `body` are merged as a JSON merge patch (RFC 7396): by key at every depth, lists replaced whole, null takes a
 * key away; where the default has no such key, null is kept, since a body may have to say it. Nothing that is given is changed.
 */
export function withDefaults<T>(source: T): T
export function withDefaults(source: unknown): unknown {
  if (!isFields(source)) return source
  const { defaults, streams } = source
  if (!isFields(defaults) || !isFields(streams)) return source
  return {
    ...source,
    streams: mapFields(streams, (stream) => (isFields(stream) ? underStream(defaults, stream) : stream)),
  }
}

function underStream(defaults: Fields, stream: Fields): Fields {
  const result = new Map(Object.entries(defaults))
  for (const [option, own] of Object.entries(stream)) {
    const inherited = result.get(option)
    if (own === undefined) continue
    if (own === null && inherited !== undefined) result.delete(option)
    else if (merged.has(option) && isFields(own) && isFields(inherited)) {
      const spell = option === 'headers' ? lowerCase : (fields: Fields) => fields
      result.set(option, patch(spell(inherited), spell(own)))
    } else result.set(option, own)
  }
  return Object.fromEntries(result)
}

function patch(target: Fields, change: Fields): Fields {
  const result = new Map(Object.entries(target))
  for (const [key, value] of Object.entries(change)) {
    const before = result.get(key)
    if (value === null && before !== undefined) result.delete(key)
    else result.set(key, isFields(value) && isFields(before) ? patch(before, value) : value)
  }
  return Object.fromEntries(result)
}

/** Header names are the same in any case. */
function lowerCase(headers: Fields): Fields {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function mapFields(fields: Fields, change: (value: unknown) => unknown): Fields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, change(value)]))
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isSecret(value)
}
