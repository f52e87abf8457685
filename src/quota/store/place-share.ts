// How the places of requests in flight are shared between processes: the rule that every store keeps.
//
// Who is alone, or asks while nobody waits, gets all that is free. Where somebody waits, each may hold an equal share, and more only of what
// those who wait don't need for theirs. Where there are fewer places than processes, each holds one in turn: who has waited longest
// is next, and whoever holds one gives it back after a turn.

/** One process as the store knows it. */
export interface PlaceHolder {
  /** Places that count as used by it. */
  readonly amount: number
  /** Places that it wants in all. */
  readonly wanted: number
  /** When it began to wait, or to hold its first place: milliseconds by the store's clock. */
  readonly since: number
}

/** What the store keeps of a process after it has asked. */
export interface PlaceGrant extends PlaceHolder {
  /** Places that it may use from now on. */
  readonly granted: number
}

/** How long a place is held where others wait for their first, in milliseconds. */
const turnMs = 1000
/** Who waits without a place and doesn't ask again for so long is forgotten, in milliseconds. */
export const patienceMs = 2000

/**
 * @param own what the store knows of who asks; `undefined`: nothing
 * @param others the other processes that share the limit, those that are taken to be dead left out
 * @param now by the store's clock
 */
export function grantedPlaces(
  ask: { readonly concurrent: number; readonly held: number; readonly wanted: number },
  own: PlaceHolder | undefined,
  others: readonly PlaceHolder[],
  now: number,
): PlaceGrant {
  const { concurrent, held, wanted } = ask
  // Who has given everything back is the last in line again.
  const since = own === undefined || (own.amount > 0 && held === 0) ? now : own.since
  const free = Math.max(0, concurrent - sum(others.map(({ amount }) => amount)))
  const waiting = others.filter((other) => other.wanted > other.amount)
  const granted = Math.min(wanted, free, mostOf({ concurrent, held, since }, others, waiting, free, now))
  const amount = Math.max(held, granted)
  const begins = (own?.amount ?? 0) === 0 ? amount > 0 : amount === 0
  return { granted, amount, wanted, since: begins ? now : since }
}

function mostOf(
  { concurrent, held, since }: { concurrent: number; held: number; since: number },
  others: readonly PlaceHolder[],
  waiting: readonly PlaceHolder[],
  free: number,
  now: number,
): number {
  if (waiting.length === 0) return free
  const share = Math.floor(concurrent / (others.length + 1))
  if (share >= 1) {
    const needed = sum(waiting.map((other) => Math.max(0, Math.min(other.wanted, share) - other.amount)))
    return share + Math.max(0, free - share - needed)
  }
  const without = waiting.filter((other) => other.amount === 0)
  if (held > 0) return without.length > 0 && now - since >= turnMs ? 0 : 1
  return free > without.filter((other) => other.since < since).length ? 1 : 0
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0)
}
