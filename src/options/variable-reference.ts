// Variables that are written almost as they should be: `${NAME}` is no reference, and would be sent to the API as it stands.

/** `${NAME}`, `${env.NAME}`, `${ENV:NAME}`, `${ env:NAME }` */
const almost = /\$\{\s*(?:env\s*[:.])?\s*([A-Za-z_]\w*)\s*\}/i
const exact = /\$\{env:[A-Za-z_]\w*\}/g

/** The first reference in a text that is none, and the name that it means. References in the right form are passed over. */
export function strayReference(
  text: string,
): { readonly written: string; readonly variable: string } | undefined {
  const match = almost.exec(text.replace(exact, ''))
  return match === null ? undefined : { written: match[0], variable: match[1]! }
}

/** What is wrong with a text that holds such a reference. Quotes nothing else of the text, which may hold a secret (S1). */
export function describeStrayReference(text: string): string {
  const stray = strayReference(text)
  if (stray === undefined) return 'this is no reference to a variable'
  const { written, variable } = stray
  return `${written} would be taken as it stands: write \${env:${variable}}, or in TypeScript env('${variable}')`
}
