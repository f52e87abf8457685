import type { Budget } from './limiter.ts'

/** One limit that holds for a request, as its reply tells it. */
export interface NamedBudget extends Budget {
  readonly name: string
}

export interface ReportContext {
  /** The server's time. */
  readonly now: number
  readonly round: (seconds: number) => number
}

type Report = (budgets: readonly NamedBudget[], context: ReportContext) => Record<string, string>

const seconds = ({ resetAt }: Budget, now: number) => Math.max(0, resetAt - now) / 1000
const tightest = (budgets: readonly NamedBudget[]) =>
  budgets.reduce((a, b) => (b.remaining < a.remaining ? b : a))

/** The manners of telling what is left of a limit: see the services' documentation that each names. */
export const reports: Readonly<Record<string, Report>> = {
  // draft-ietf-httpapi-ratelimit-headers-10
  ietf: (budgets, { now, round }) => ({
    'ratelimit-policy': budgets
      .map(({ name, limit, windowMs }) => `"${name}";q=${limit};w=${windowMs / 1000}`)
      .join(', '),
    ratelimit: budgets
      .map((budget) => `"${budget.name}";r=${budget.remaining};t=${round(seconds(budget, now))}`)
      .join(', '),
  }),
  // draft-ietf-httpapi-ratelimit-headers-06
  'draft-6': (budgets, { now, round }) => {
    const budget = tightest(budgets)
    return {
      'ratelimit-policy': `${budget.limit};w=${budget.windowMs / 1000}`,
      'ratelimit-limit': `${budget.limit}`,
      'ratelimit-remaining': `${budget.remaining}`,
      'ratelimit-reset': `${round(seconds(budget, now))}`,
    }
  },
  // GitHub
  epoch: (budgets, { round }) => {
    const { limit, remaining, resetAt } = tightest(budgets)
    return {
      'x-ratelimit-limit': `${limit}`,
      'x-ratelimit-remaining': `${remaining}`,
      'x-ratelimit-reset': `${round(resetAt / 1000)}`,
    }
  },
  'epoch-ms': (budgets) => {
    const { limit, remaining, resetAt } = tightest(budgets)
    return {
      'x-ratelimit-limit': `${limit}`,
      'x-ratelimit-remaining': `${remaining}`,
      'x-ratelimit-reset': `${Math.ceil(resetAt)}`,
    }
  },
  // Discord
  buckets: (budgets, { now }) => {
    const budget = tightest(budgets)
    return {
      'x-ratelimit-bucket': budget.name,
      'x-ratelimit-limit': `${budget.limit}`,
      'x-ratelimit-remaining': `${budget.remaining}`,
      'x-ratelimit-reset': (budget.resetAt / 1000).toFixed(3),
      'x-ratelimit-reset-after': seconds(budget, now).toFixed(3),
    }
  },
  // Shopify
  used: (budgets) => {
    const { limit, remaining } = tightest(budgets)
    return { 'x-shopify-shop-api-call-limit': `${limit - remaining}/${limit}` }
  },
}
