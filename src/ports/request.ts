import type { Json } from './json.ts'

export type QueryValue = string | number | boolean | readonly (string | number | boolean)[]

/** A request before it has an address on the wire: what paginators and streams put together. */
export interface RequestSpec {
  readonly method: string
  /** Absolute, or relative to the source's base URL. It may have a query of its own. */
  readonly url: string
  /** Added to the URL's own query, taking the place of parameters of the same name. An array repeats its name. */
  readonly query: Readonly<Record<string, QueryValue>>
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Sent as JSON, or as a form where the content type says so. */
  readonly body?: Json
  /** True where repeating the request does no harm although its method says otherwise: a search or a query sent as POST. */
  readonly safe?: boolean
}
