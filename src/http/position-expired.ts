import { HttpStatusError } from './errors.ts'

/**
 * Whether the API no longer knows the position that a request was made with: to be asked of the failure of a request that used a stored
 * cursor, sync token or history id. A 410 is one anywhere (Google Calendar, Microsoft Graph); others are known by their code (Airtable's
 * 422), or by their address (Gmail's history answers 404).
 */
export function isPositionExpired(error: unknown): boolean {
  if (!(error instanceof HttpStatusError) || error.action !== undefined) return false
  return error.kind === 'expired' || error.status === 410 || (error.status === 404 && isHistory(error.url))
}

function isHistory(url: string): boolean {
  return /\/history\?/.test(url) && /[?&]startHistoryId=/.test(url)
}
