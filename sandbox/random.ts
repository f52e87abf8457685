// Chance that depends on nothing but its arguments: the same seed gives the same world, whatever the order of the questions.

/** Mixes a seed with up to two numbers into 32 uniform bits (multiply-xorshift rounds, as in splitmix and murmur finalisers). */
export function mix(seed: number, a: number, b = 0): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ a
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b) ^ b
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return (h ^ (h >>> 16)) >>> 0
}

/** The same, as a fraction in [0, 1). */
export function fraction(seed: number, a: number, b = 0): number {
  return mix(seed, a, b) / 0x1_0000_0000
}

/** FNV-1a over UTF-16 units: a number for a name or a URL. */
export function hashText(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}
