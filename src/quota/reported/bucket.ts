import type { Clock } from '../../ports/runtime.ts'
import type { Meter } from '../meters/meter.ts'
import { QuotaQueue } from '../queue.ts'
import { type QuotaLimit, type QuotaSize, quotaLimit } from '../usage.ts'
import { Budget } from './budget.ts'
import { Pause } from './pause.ts'
import type { RateReport } from './report.ts'
import type { BudgetOptions, ReportedMeter } from './reported-meter.ts'
import { RestoredBudget } from './restored-budget.ts'

/** One budget of an API with the queue of those who need it. */
export interface Bucket {
  readonly key: string
  /** As the API names it; empty where it doesn't. */
  readonly name: string
  /** Counted for one resource of the path alone. */
  readonly perResource: boolean
  readonly meter: ReportedMeter
  readonly pause: Pause
  readonly queue: QuotaQueue
  /** Where limit and window are told. */
  size: QuotaSize | undefined
  /** To be called where the meter may allow more, and no request of its own queue has ended: of those all hear. */
  changed(): void
  /** Called where the meter may allow more, by those who wait for it in another queue than its own. */
  onChange(changed: () => void): void
}

/**
 * Tells the budgets of one API apart: by their names, and those without a name by their limits, since an API that counts each endpoint
 * apart (X, Okta) says no more of them.
 */
export function bucketKey({ bucket, limit, perResource }: RateReport, resource: string): string {
  if (bucket === '') return limit === undefined ? '' : `/${limit}`
  return perResource === true ? `${bucket} ${resource}` : bucket
}

/**
 * @param first a report of it: whether it comes back all at once or evenly
 * @param unnamed what budgets without a name are told of as
 */
export function createBucket(
  key: string,
  first: RateReport,
  options: Omit<BudgetOptions, 'reportIn'> & { readonly reportIn: BudgetOptions['reportIn'] },
  clock: Clock,
  unnamed: QuotaLimit,
): Bucket {
  const meter = first.restoredPerMs === undefined ? new Budget(options) : new RestoredBudget(options)
  const pause = new Pause()
  let wakeQueue = () => {}
  const listeners: (() => void)[] = []
  const tellOthers = () => {
    for (const changed of listeners) changed()
  }
  const name = first.bucket
  const limit = name === '' ? unnamed : quotaLimit(`what the API reports of ${name}`, 'reported')
  const meters = [
    meter,
    pause,
    watcher((changed) => {
      wakeQueue = changed
    }, tellOthers),
  ]
  // What its requests take is told by their routes, which see all replies that report of it.
  const queue = new QuotaQueue(limit.name, meters, clock, { limit, usesOf: () => [] })
  return {
    key,
    name,
    perResource: first.perResource === true,
    meter,
    pause,
    queue,
    size: undefined,
    changed() {
      wakeQueue()
      tellOthers()
    },
    onChange(changed) {
      listeners.push(changed)
    },
  }
}

/** What a report tells of a budget's size, where it tells limit and window of requests. */
export function reportedSize({ limit, windowMs, restoredPerMs, unit }: RateReport): QuotaSize | undefined {
  if (limit === undefined || unit === 'other') return undefined
  if (restoredPerMs !== undefined) return { amount: restoredPerMs * 1000, perMs: 1000, burst: limit }
  return windowMs === undefined ? undefined : { amount: limit, perMs: windowMs }
}

/**
 * The last meter of a budget's queue. It takes no part but to hear how to wake the queue, and to tell of what becomes of its requests: others may
 * wait for the same budget in queues of their own.
 */
function watcher(onChange: (changed: () => void) => void, tellOthers: () => void): Meter {
  return {
    maxCost: Number.POSITIVE_INFINITY,
    readyAt: (_cost, now) => now,
    take() {},
    cancel: tellOthers,
    settle: tellOthers,
    refuse: tellOthers,
    release: tellOthers,
    isIdle: () => true,
    onChange,
  }
}
