// Services that report in a way of their own.
import type { HttpHeaders } from '../../../ports/runtime.ts'
import { countHeader, listHeader, parseCount, textHeader } from '../header-value.ts'
import type { RateReport } from '../report.ts'

const second = 1000
const day = 86_400_000

/** `Zendesk-RateLimit-incremental-exports: total=10; remaining=9; resets=41`: budgets of endpoints, beside the account's. */
export function readZendesk(headers: HttpHeaders): readonly RateReport[] {
  const reports: RateReport[] = []
  for (const name in headers) {
    if (!name.startsWith('zendesk-ratelimit-')) continue
    const said = new Map(
      (listHeader(headers, name) ?? '').split(/[;,]/).map((part) => {
        const [key = '', value = ''] = part.split('=')
        return [key.trim().toLowerCase(), value.trim()] as const
      }),
    )
    const remaining = parseCount(said.get('remaining'))
    const limit = parseCount(said.get('total'))
    const resets = parseCount(said.get('resets'))
    if (remaining === undefined || resets === undefined) continue
    reports.push({
      bucket: name.slice('zendesk-ratelimit-'.length),
      remaining,
      ...(limit !== undefined && { limit }),
      reset: { inMs: resets * second, precisionMs: second },
    })
  }
  return reports
}

/** `X-HubSpot-RateLimit-Max`, `-Remaining`, `-Interval-Milliseconds` of a window that slides, and `-Daily`, which has no reset. */
export function readHubSpot(headers: HttpHeaders): readonly RateReport[] {
  const reports: RateReport[] = []
  const count = (name: string) => countHeader(headers, `x-hubspot-ratelimit-${name}`)
  const [limit, remaining, windowMs] = [count('max'), count('remaining'), count('interval-milliseconds')]
  if (remaining !== undefined && windowMs !== undefined && windowMs > 0)
    reports.push({
      bucket: 'interval',
      remaining,
      windowMs,
      ...(limit !== undefined && { limit }),
      reset: { inMs: windowMs, precisionMs: 1 },
    })
  const [daily, dailyRemaining] = [count('daily'), count('daily-remaining')]
  if (dailyRemaining !== undefined)
    reports.push({ bucket: 'daily', remaining: dailyRemaining, ...(daily !== undefined && { limit: daily }) })
  return reports
}

/** `X-Shopify-Shop-Api-Call-Limit: 32/40`: a bucket that is used up to 32 of 40. On every plan it empties in 20 seconds, evenly. */
export function readShopify(headers: HttpHeaders): readonly RateReport[] {
  const said = /^(\d{1,9})\s*\/\s*(\d{1,9})$/.exec(textHeader(headers, 'x-shopify-shop-api-call-limit') ?? '')
  if (said === null) return []
  const [used, limit] = [Number(said[1]), Number(said[2])]
  if (limit === 0) return []
  return [
    {
      bucket: 'shop',
      limit,
      remaining: Math.max(0, limit - used),
      restoredPerMs: limit / (20 * second),
    },
  ]
}

/** `Sforce-Limit-Info: api-usage=25/5000; per-app-api-usage=17/250(appName=sample)`: of the last 24 hours, which slide. */
export function readSalesforce(headers: HttpHeaders): readonly RateReport[] {
  const text = listHeader(headers, 'sforce-limit-info') ?? ''
  return [...text.matchAll(/(?:^|[;,\s])([a-z-]*api-usage)=(\d{1,12})\/(\d{1,12})/g)].map(
    ([, bucket = '', used, limit]) => ({
      bucket,
      limit: Number(limit),
      remaining: Math.max(0, Number(limit) - Number(used)),
    }),
  )
}

/** `X-RateLimit-Category: Light`, `X-RateLimit-Type: QPS` or `Daily-limit`, which ends at midnight UTC. */
export function readZoom(headers: HttpHeaders, serverNow: number): readonly RateReport[] {
  const category = textHeader(headers, 'x-ratelimit-category')
  const type = textHeader(headers, 'x-ratelimit-type')
  const remaining = countHeader(headers, 'x-ratelimit-remaining')
  const limit = countHeader(headers, 'x-ratelimit-limit')
  if (category === undefined || type === undefined || remaining === undefined) return []
  const qps = type.toUpperCase() === 'QPS'
  return [
    {
      bucket: `${category} ${type}`,
      remaining,
      ...(limit !== undefined && { limit }),
      ...(qps && { windowMs: second }),
      reset: qps
        ? { inMs: second, precisionMs: 1 }
        : { at: (Math.floor(serverNow / day) + 1) * day, precisionMs: 1 },
    },
  ]
}
