/**
 * What is wrong with a name of letters, digits and underscores, and how it could be spelled:
 * `"by-day" can't name a stream: use letters, digits and _, and no digit first, as in "by_day"`.
 */
export function badName(found: unknown, names: string): string {
  const right = typeof found === 'string' ? rightName(found) : undefined
  const example = right === undefined ? '' : `, as in ${JSON.stringify(right)}`
  return `${JSON.stringify(found)} can't name ${names}: use letters from a to z, digits and _, and begin with a letter${example}`
}

/** The name with its accents taken off and `_` for whatever else it may not hold; `undefined` where nothing of it is left. */
function rightName(text: string): string | undefined {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
  if (plain === '') return undefined
  return /^\d/.test(plain) ? `n${plain}` : plain
}
