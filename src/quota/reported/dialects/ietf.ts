// The RateLimit fields of draft-ietf-httpapi-ratelimit-headers, in the forms that its versions gave them:
//   -03 … -06  RateLimit-Limit: 100, 100;w=60   RateLimit-Remaining: 50   RateLimit-Reset: 30   (RateLimit-Policy: 100;w=60 in -06)
//   -07        RateLimit: limit=100, remaining=50, reset=30               RateLimit-Policy: 100;w=60
//   -08 …      RateLimit: "default";r=50;t=30                             RateLimit-Policy: "default";q=100;w=60
// Resets are seconds from now. GitLab gives the first names an epoch, and a name of the budget besides: RateLimit-Name.
import type { HttpHeaders } from '../../../ports/runtime.ts'
import { countHeader, listHeader, parseCount, textHeader } from '../header-value.ts'
import type { RateReport } from '../report.ts'
import { parseReset } from '../reset-value.ts'
import { type ListMember, parseStructuredList } from '../structured-list.ts'

interface Policy {
  readonly name: string
  readonly limit: number
  readonly windowMs?: number
  readonly unit: string
  readonly partition: string
}

/** `prefix`: stands before both names, as `beta-` does at Jira. Undefined where the fields are absent. */
export function readRateLimitField(
  headers: HttpHeaders,
  serverNow: number,
  prefix = '',
): readonly RateReport[] | undefined {
  const text = listHeader(headers, `${prefix}ratelimit`)
  const members = text === undefined ? undefined : parseStructuredList(text)
  if (members === undefined) return undefined
  const policies = readPolicies(listHeader(headers, `${prefix}ratelimit-policy`))
  return members.some(({ item }) => item === undefined)
    ? readDraft7(members, policies, serverNow)
    : readItems(members, policies, serverNow)
}

function readItems(
  members: readonly ListMember[],
  policies: readonly Policy[],
  serverNow: number,
): readonly RateReport[] {
  return members.flatMap(({ item, params }) => {
    const remaining = parseCount(params['r'])
    if (remaining === undefined || item === undefined) return []
    const partition = params['pk'] ?? ''
    const policy =
      policies.find((one) => one.name === item && one.partition === partition) ??
      policies.find((one) => one.name === item)
    // How many are in flight is nobody's to say but the client's.
    if (policy?.unit === 'concurrent-requests') return []
    const reset = params['t'] === undefined ? undefined : parseReset(params['t'], 'seconds', serverNow)
    return {
      // A server that counts each client apart need not say who it takes us for: that is the same in every reply.
      bucket: item === 'default' ? '' : item,
      remaining,
      ...limitOf(policy),
      ...(reset && { reset }),
      ...(policy !== undefined && policy.unit !== 'requests' && { unit: 'other' as const }),
    }
  })
}

function readDraft7(
  members: readonly ListMember[],
  policies: readonly Policy[],
  serverNow: number,
): readonly RateReport[] {
  const all: Record<string, string> = Object.assign({}, ...members.map(({ params }) => params))
  return oneReport(
    {
      limit: parseCount(all['limit']),
      remaining: parseCount(all['remaining']),
      reset: all['reset'],
      bucket: '',
    },
    policies,
    serverNow,
  )
}

/** Undefined where the fields are absent. */
export function readTriplet(headers: HttpHeaders, serverNow: number): readonly RateReport[] | undefined {
  const remaining = countHeader(headers, 'ratelimit-remaining')
  const reset = textHeader(headers, 'ratelimit-reset')
  if (remaining === undefined || reset === undefined) return undefined
  const limits = parseStructuredList(listHeader(headers, 'ratelimit-limit') ?? '') ?? []
  const policies = [...readPolicies(listHeader(headers, 'ratelimit-policy')), ...limits.flatMap(toPolicy)]
  const limit = parseCount(limits[0]?.item)
  const bucket = textHeader(headers, 'ratelimit-name') ?? ''
  return oneReport({ limit, remaining, reset, bucket }, policies, serverNow)
}

function oneReport(
  said: {
    limit: number | undefined
    remaining: number | undefined
    reset: string | undefined
    bucket: string
  },
  policies: readonly Policy[],
  serverNow: number,
): readonly RateReport[] {
  const { remaining, bucket, limit } = said
  if (remaining === undefined) return []
  const reset = said.reset === undefined ? undefined : parseReset(said.reset, 'seconds', serverNow)
  // What is reported is the policy that is nearest to its end; its limit tells which one that is.
  const policy = policies.find((one) => one.limit === limit)
  return [
    { bucket, remaining, ...(limit !== undefined && { limit }), ...limitOf(policy), ...(reset && { reset }) },
  ]
}

function limitOf(policy: Policy | undefined): { limit?: number; windowMs?: number } {
  if (policy === undefined) return {}
  return { limit: policy.limit, ...(policy.windowMs !== undefined && { windowMs: policy.windowMs }) }
}

function readPolicies(text: string | undefined): readonly Policy[] {
  return text === undefined ? [] : (parseStructuredList(text) ?? []).flatMap(toPolicy)
}

/** `"burst";q=100;w=60`, and `100;w=60` before it. */
function toPolicy({ item, params }: ListMember): readonly Policy[] {
  const limit = parseCount(params['q'] ?? item)
  const seconds = parseCount(params['w'])
  if (item === undefined || limit === undefined) return []
  if (params['q'] === undefined && seconds === undefined) return []
  return [
    {
      name: item,
      limit,
      unit: params['qu'] ?? 'requests',
      partition: params['pk'] ?? '',
      ...(seconds !== undefined && seconds > 0 && { windowMs: seconds * 1000 }),
    },
  ]
}
