// What an answer's headers say of the API's limits.
import type { HttpHeaders } from '../ports/runtime.ts'
import type { OptionDraft } from './draft.ts'

const limitHeader = /rate-?limit|^x-.*-(limit|remaining|reset)$|^x-quota/

/** The quota that could be configured, with the headers that speak of it; undefined where none does. */
export function quotaSuggestion(headers: HttpHeaders): OptionDraft | undefined {
  const seen = Object.entries(headers).flatMap(([name, value]) => {
    const text = typeof value === 'object' ? value[0] : value
    return text !== undefined && limitHeader.test(name) ? [{ name, text }] : []
  })
  if (seen.length === 0) return undefined
  const limit = seen.find(({ name }) => name.endsWith('limit'))
  const requests = Number(/\d+/.exec(limit?.text ?? '')?.[0] ?? Number.NaN)
  const seconds = Number(/\bw=(\d+)/.exec(seen.map(({ text }) => text).join(' '))?.[1] ?? Number.NaN)
  return {
    name: 'quotas',
    value: [{ requests: requests > 0 ? requests : 60, per: seconds > 0 ? `${seconds}s` : '1m' }],
    notes: [
      `The API reports its limits: ${seen.map(({ name, text }) => `${name}: ${text}`).join(', ')}. What it reports is heeded by itself.`,
      `To stay below a limit from the start, say it here${seconds > 0 ? '' : "; the headers don't name the window, 1m is a guess"}:`,
    ],
  }
}
