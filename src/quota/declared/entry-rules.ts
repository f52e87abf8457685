// What can't work in the declaration of a limit, and what to write instead.

import { dayMs } from '../meters/time-grid.ts'
import type { EntryFields } from './entry.ts'

interface EntryProblem {
  readonly path: readonly (keyof EntryFields)[]
  readonly message: string
}

const units = ['requests', 'points', 'bytes', 'concurrent'] as const
const windowed = ['per', 'window', 'burst', 'timeZone', 'cost'] as const

export function* entryProblems(entry: EntryFields): Iterable<EntryProblem> {
  const named = units.filter((unit) => entry[unit] !== undefined)
  const [unit] = named
  if (unit === undefined) {
    yield {
      path: [],
      message:
        'write a quota as { requests: 700, per: "1m" }, { points: 1000, per: "1m", cost: 5 }, { bytes: "100MB", per: "1h" } or { concurrent: 5 }',
    }
    return
  }
  if (named.length > 1) {
    yield {
      path: [named[1]!],
      message: `${named.map(quoted).join(' and ')} are limits of their own, which hold beside each other: write an entry for each`,
    }
    return
  }
  if (unit === 'concurrent') {
    for (const option of windowed)
      if (entry[option] !== undefined)
        yield {
          path: [option],
          message: `\`${option}\` says nothing of requests in flight: leave it out here, or write an entry of its own for the window, as in { requests: 10, per: "1s" }`,
        }
  } else yield* windowProblems(entry, entry[unit]!, unit)
  yield* reserveProblems(entry, unit)
}

function* windowProblems(
  entry: EntryFields,
  limit: number,
  unit: 'requests' | 'points' | 'bytes',
): Iterable<EntryProblem> {
  const { per, window = 'sliding', burst, timeZone, cost } = entry
  if (per === undefined) {
    yield { path: ['per'], message: `\`${unit}\` needs the length of the window, as in per: "1m"` }
    return
  }
  if (burst !== undefined && window !== 'leaky' && burst > limit) {
    yield {
      path: ['burst'],
      message: `burst is larger than ${unit}: so many never fit into one window. A bucket that holds more than drains in \`per\` is { ${unit}: ${limit}, per: …, window: leaky, burst: ${burst} }`,
    }
  }
  if (unit === 'requests' && burst !== undefined && !Number.isInteger(burst)) {
    yield { path: ['burst'], message: `burst: ${burst} is no whole number of requests` }
  }
  if (window === 'fixed' && per < 1000) {
    yield {
      path: ['window'],
      message:
        'windows that are shorter than a second are not told apart by two clocks: leave `window` out: a window that slides is never too much for them',
    }
  }
  if (timeZone !== undefined && window !== 'fixed') {
    yield {
      path: ['timeZone'],
      message: '`timeZone` says where days begin, which matters with `window: fixed` alone',
    }
  } else if (timeZone !== undefined && per % dayMs !== 0) {
    yield {
      path: ['timeZone'],
      message: '`timeZone` says where days begin: write `per` in days, as in "1d", or leave it out',
    }
  }
  if (unit === 'points' && cost === undefined) {
    yield {
      path: ['cost'],
      message:
        '`points` need to know what a request costs: cost: 5, or cost: { estimate: 50, actual: extensions.cost.actualQueryCost } where the reply says so',
    }
  }
  if (unit !== 'points' && cost !== undefined) {
    yield {
      path: ['cost'],
      message:
        unit === 'bytes'
          ? '`bytes` are told by the replies: leave `cost` out'
          : 'a request is one of `requests`: where it costs more, write the limit as `points`',
    }
  }
  const least = typeof cost === 'number' ? cost : cost?.estimate
  const most = available(window === 'leaky' ? (burst ?? limit) : limit, entry.reserve)
  if (unit === 'points' && least !== undefined && least > most) {
    yield {
      path: ['cost'],
      message: `a request that costs ${least} never fits into ${most} points${entry.reserve ? ', which are left beside the reserve' : ''}: lower the cost${window === 'leaky' ? ', or raise `burst`' : ''}`,
    }
  }
}

function* reserveProblems(entry: EntryFields, unit: (typeof units)[number]): Iterable<EntryProblem> {
  const { reserve } = entry
  if (reserve === undefined || unit === 'points' || unit === 'bytes') return
  const limit = entry[unit]!
  const holds = entry.window === 'leaky' ? (entry.burst ?? limit) : limit
  if (available(holds, reserve) >= 1) return
  yield {
    path: ['reserve'],
    message: `a reserve of ${Math.round(reserve * 1000) / 10}% leaves less than one request of ${holds}: lower it, or leave it out`,
  }
}

/** What is left of a limit beside its reserve: whole units, where the limit is one. */
export function available(limit: number, reserve: number | undefined): number {
  if (!reserve) return limit
  const left = limit * (1 - reserve)
  return Number.isInteger(limit) ? Math.floor(left + 1e-9) : left
}

function quoted(unit: string): string {
  return `\`${unit}\``
}
