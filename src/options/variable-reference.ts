// Variables that are written almost as they should be: `${NAME}` is no reference, and would be sent to the API as it stands.

/** `${NAME}`, `${env.NAME}`, `${ENV:NAME}`, `${ env:NAME }` */
const almost = /\$\{\s*(?:env\s*[:.])?\s*([A-Za-z_]\w*)\s*\}/i
const exact = /\$\{env:[A-Za-z_]\w*\}/g
/** What other tools write: `${secret:NAME}`, `${env:MY-NAME}`. It names what it means, and nothing that could be a secret. */
const named = /\$\{\s*(?:env|secrets?|vars)\s*[:.]\s*([\w.-]{1,60})\s*\}/i
/** `${parent.id}`: a placeholder of a request with a dollar, of which its own rules speak. */
const withDollar = /\$\{[A-Za-z_]\w*\.[^{}]*\}/
/** Whole secrets that are references elsewhere: `{{ env.NAME }}`, `$NAME`, `$env:NAME`, `env:NAME`, `%NAME%`. */
const foreign = [
  /^\s*\$?\{\{\s*(?:env|secrets?|vars)\s*[:.]\s*([A-Za-z_]\w*)\s*\}\}\s*$/i,
  /^\$([A-Z_][A-Z0-9_]*)$/,
  /^\$?env:([A-Za-z_]\w*)$/i,
  /^%([A-Z_][A-Z0-9_]*)%$/,
]

/** A reference that is none. `written`: as it stands, where that can't be a secret. `variable`: the name that it means, where it tells one. */
export interface StrayReference {
  readonly written?: string
  readonly variable?: string
}

/** The first reference in a text that is none. References in the right form are passed over. */
export function strayReference(text: string): StrayReference | undefined {
  const others = text.replace(exact, '')
  const match = almost.exec(others) ?? named.exec(others)
  if (match !== null) return { written: match[0], ...rightName(match[1]!) }
  return others.replaceAll(new RegExp(withDollar, 'g'), '').includes('${') ? {} : undefined
}

/** The same of a text that is a secret as a whole, which is written in the ways of other tools, too. */
export function strayInSecret(text: string): StrayReference | undefined {
  for (const form of foreign) {
    const match = form.exec(text)
    if (match !== null) return { written: text.trim(), variable: match[1]! }
  }
  return strayReference(text) ?? (withDollar.test(text) ? {} : undefined)
}

/** What is wrong with a text that holds such a reference. Quotes nothing else of the text, which may hold a secret (S1). */
export function describeStray({ written, variable }: StrayReference): string {
  const right = variable ?? 'NAME'
  const what = written ?? '`${` begins what is no reference to a variable, and'
  const rule =
    variable === undefined
      ? ', where NAME is of letters, digits and _, begins with no digit and has nothing beside it'
      : ''
  return `${what} would be taken as it stands: write \${env:${right}}${rule}, or in TypeScript env('${right}')`
}

function rightName(name: string): { readonly variable?: string } {
  const right = name.replace(/[.-]/g, '_')
  return /^[A-Za-z_]/.test(right) ? { variable: right } : {}
}
