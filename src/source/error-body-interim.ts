import type { Value } from '../ports/json.ts'
import { isObject } from './field-path.ts'
export function apiErrorMessage(body: Value): string | undefined {
  if (!isObject(body)) return undefined
  const error = body.error ?? body.errors
  if (error === undefined || error === null || error === false) return undefined
  if (Array.isArray(error) && error.length === 0) return undefined
  return typeof error === 'string' ? error : JSON.stringify(error)
}
