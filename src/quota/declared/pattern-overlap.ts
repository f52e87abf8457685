// Whether two patterns have a text in common: a limit's class, and a path of which a part is known only when it is asked.

/** A character; `*` for any but a `/`, `**` for any: of each as many as there are, or none. */
export type PatternToken = string

const star = '*'
const anything = '**'

/** @param pattern of a path, in which `*` is anything but a `/`, and `**` anything */
export function patternTokens(pattern: string): PatternToken[] {
  return pattern.match(/\*\*|./gs) ?? []
}

export function patternsMeet(one: readonly PatternToken[], other: readonly PatternToken[]): boolean {
  // By how far one has come: how far the other may have. Each pair is looked at once.
  const seen = new Set<number>()
  const open: [number, number][] = [[0, 0]]
  const reach = (at: number, otherAt: number) => {
    const pair = at * (other.length + 1) + otherAt
    if (seen.has(pair)) return
    seen.add(pair)
    open.push([at, otherAt])
  }
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [at, otherAt] = pair
    const token = one[at]
    const otherToken = other[otherAt]
    if (token === undefined && otherToken === undefined) return true
    if (isWild(token)) {
      reach(at + 1, otherAt)
      if (otherToken !== undefined && (isWild(otherToken) || holds(token, otherToken))) reach(at, otherAt + 1)
    }
    if (isWild(otherToken)) {
      reach(at, otherAt + 1)
      if (token !== undefined && (isWild(token) || holds(otherToken, token))) reach(at + 1, otherAt)
    }
    if (token !== undefined && token === otherToken) reach(at + 1, otherAt + 1)
  }
  return false
}

function isWild(token: PatternToken | undefined): token is string {
  return token === star || token === anything
}

function holds(wild: PatternToken, character: string): boolean {
  return wild === anything || character !== '/'
}
