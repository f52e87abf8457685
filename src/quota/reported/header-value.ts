import type { HttpHeaders } from '../../ports/runtime.ts'

/** A header's lines as one list, as RFC 9110 §5.3 joins them. */
export function listHeader(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' || value === undefined ? value : value.join(', ')
}

/** A header's value; of several lines the first. */
export function textHeader(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return (typeof value === 'string' ? value : value?.[0])?.trim()
}

/** A count as APIs write it: whole from 0; fractions are rounded down, and below nothing is nothing. */
export function countHeader(headers: HttpHeaders, name: string): number | undefined {
  return parseCount(textHeader(headers, name))
}

export function parseCount(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d+(\.\d+)?$/.test(text)) return undefined
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.floor(Number(text))))
}
