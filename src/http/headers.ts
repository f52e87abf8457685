import type { HttpHeaders } from '../ports/runtime.ts'

/** A header's value; of several lines the first. */
export function firstHeader(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}
