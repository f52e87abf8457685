/** The candidate that is spelled most like `word`, or `undefined` where none is close (at most a third of its letters differ). */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(normalise(word), normalise(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/**
 * The only candidate that holds `word` as one of its own words, as `maxAttempts` holds `attempts`; `undefined` where none does, or several.
 */
export function namedWith(word: string, candidates: readonly string[]): string | undefined {
  const sought = normalise(word)
  const holding = candidates.filter((candidate) =>
    candidate.split(/(?=[A-Z])|[-_\s]/).some((part) => part.toLowerCase() === sought),
  )
  return holding.length === 1 ? holding[0] : undefined
}

/** `base_url`, `BaseURL` and `baseUrl` are the same word to whoever wrote them. */
function normalise(word: string): string {
  return word.toLowerCase().replace(/[-_\s]/g, '')
}

/** Damerau–Levenshtein distance (optimal string alignment): a swap of two neighbours counts as one. */
function editDistance(a: string, b: string): number {
  let twoAbove: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(current[column - 1]! + 1, above[column]! + 1, above[column - 1]! + (same ? 0 : 1))
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, twoAbove[column - 2]! + 1)
      }
      current.push(cost)
    }
    twoAbove = above
    above = current
  }
  return above[b.length]!
}
