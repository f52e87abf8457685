// What was asked of the sandbox, and what it did.
import type { FaultKind } from './faults.ts'

/** One request, in the order of arrival. */
export interface LogEntry {
  /** From 1. */
  readonly number: number
  /** Epoch milliseconds by the sandbox's clock. */
  readonly at: number
  /** `desk.tickets`, `pay.transactions`, …; `unknown` for a path that no endpoint has. */
  readonly endpoint: string
  /** The query, sorted by name and without the project id: equal for two requests for the same page. */
  readonly position: string
  /** 0 until it has been answered, and where the connection broke before the headers. */
  status: number
  /** Records that the reply holds; less may arrive if a fault cuts the body. */
  records: number
  fault?: FaultKind
}

export interface Stats {
  readonly requests: Readonly<Record<string, number>>
  readonly records: Readonly<Record<string, number>>
  /** Requests past a quota: each one is a breach of it, by endpoint. A 429 that a fault sent is not one. */
  readonly breaches: Readonly<Record<string, number>>
  readonly breachesTotal: number
  readonly tokensIssued: number
  readonly unauthorised: number
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>
  readonly rounds: number
  readonly log: readonly LogEntry[]
}

export class Recorder {
  readonly requests: Record<string, number> = {}
  readonly records: Record<string, number> = {}
  readonly breaches: Record<string, number> = {}
  readonly faults: Partial<Record<FaultKind, number>> = {}
  readonly log: LogEntry[] = []
  breachesTotal = 0
  unauthorised = 0

  begin(at: number, endpoint: string, query: URLSearchParams): LogEntry {
    const entry = {
      number: this.log.length + 1,
      at,
      endpoint,
      position: positionOf(query),
      status: 0,
      records: 0,
    }
    this.log.push(entry)
    this.requests[endpoint] = (this.requests[endpoint] ?? 0) + 1
    return entry
  }

  fault(entry: LogEntry, kind: FaultKind): void {
    entry.fault = kind
    this.faults[kind] = (this.faults[kind] ?? 0) + 1
  }

  breach(endpoint: string): void {
    this.breaches[endpoint] = (this.breaches[endpoint] ?? 0) + 1
    this.breachesTotal++
  }

  end(entry: LogEntry, status: number, records: number): void {
    entry.status = status
    entry.records = records
    if (status === 401) this.unauthorised++
    if (records > 0) this.records[entry.endpoint] = (this.records[entry.endpoint] ?? 0) + records
  }
}

function positionOf(query: URLSearchParams): string {
  const params = [...query].filter(([name]) => name !== 'project_id')
  return params
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join('&')
}
