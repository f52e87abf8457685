// In which order the records of a list that shifts stand, as far as the order in which they were read tells.
//
// A page that has the anchor goes on behind everything that was read. One that has an earlier record alone, because the anchor was
// deleted or stands behind what came in between, goes on behind that record; whether it does so behind those that were read later, it does not say. So
// records are read in runs, each of which begins behind a record of another one.

/** Records that were read one behind the other. */
export interface Run {
  /** What all of them stand behind; `undefined` where nothing is known. */
  readonly behind: Standing | undefined
  /** How many runs there are in front of it. */
  readonly depth: number
}

/** A record's place in the order. */
export interface Standing {
  readonly run: Run
  /** Grows along a run. A record that came in between has the rank of the one that it stands in front of. */
  readonly rank: number
}

export const firstRun: Run = { behind: undefined, depth: 0 }

/** Runs that are kept in front of one: what stands farther in front is not compared. */
const mostRuns = 32

export function runBehind({ run, rank }: Standing): Run {
  if (run.depth >= mostRuns) return { behind: undefined, depth: 0 }
  return { behind: { run, rank }, depth: run.depth + 1 }
}

/** Which records of a page stand behind one that they stood in front of, and where the last one is that does not. */
export function inOrder(page: readonly (Standing | undefined)[]): {
  readonly outOfOrder: ReadonlySet<number>
  readonly lastAt: number
} {
  const outOfOrder = new Set<number>()
  const highest = new Map<Run, number>()
  let lastAt = -1
  for (const [at, each] of page.entries()) {
    if (each === undefined) continue
    if (each.rank < (highest.get(each.run) ?? 0)) {
      outOfOrder.add(at)
      continue
    }
    lastAt = at
    // It stands behind all that its run does.
    let passed: Standing | undefined = each
    while (passed !== undefined && (highest.get(passed.run) ?? 0) < passed.rank) {
      highest.set(passed.run, passed.rank)
      passed = passed.run.behind
    }
  }
  return { outOfOrder, lastAt }
}
