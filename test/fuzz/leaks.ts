// S1: whether a secret stands in a text, in any of the forms that it may travel in.

export interface SecretForms {
  readonly variable: string
  readonly value: string
  readonly forms: readonly string[]
}

export function secretForms(variable: string, value: string): SecretForms {
  const encoded = encodeURIComponent(value)
  const json = JSON.stringify(value).slice(1, -1)
  const base64 = [0, 1, 2].map((lead) => {
    const text = Buffer.concat([Buffer.alloc(lead), Buffer.from(value)])
      .toString('base64')
      .replace(/=+$/, '')
    return text.slice(lead === 0 ? 0 : lead + 1, -2)
  })
  const forms = [
    value,
    encoded,
    encoded.replaceAll('%20', '+'),
    json,
    JSON.stringify(json).slice(1, -1),
    ...base64,
  ]
  return { variable, value, forms: [...new Set(forms)] }
}

/** The first secret that a text holds, with the text around it. */
export function leakIn(text: string, secrets: readonly SecretForms[]): string | undefined {
  for (const { variable, forms } of secrets) {
    for (const form of forms) {
      const at = text.indexOf(form)
      if (at >= 0) return `${variable}: …${text.slice(Math.max(0, at - 120), at + form.length + 60)}…`
    }
  }
  return undefined
}

/** All that an error says: its message, stack, own fields and causes. */
export function errorText(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 8) return typeof error === 'string' ? error : ''
  const own = Object.getOwnPropertyNames(error)
    .filter((name) => name !== 'cause')
    .map((name) => `${name}: ${plainText((error as unknown as Record<string, unknown>)[name])}`)
  return [...own, String(error), errorText(error.cause, depth + 1)].join('\n')
}

/** A value as text, with its texts as they are and as JSON has them. */
export function plainText(value: unknown): string {
  const seen = new Set<unknown>()
  const parts: string[] = []
  const visit = (inner: unknown): void => {
    if (typeof inner === 'string') parts.push(inner)
    if (typeof inner !== 'object' || inner === null || seen.has(inner)) return
    seen.add(inner)
    if (inner instanceof Map) for (const entry of inner) visit(entry)
    for (const [name, each] of Object.entries(inner)) {
      parts.push(name)
      visit(each)
    }
  }
  visit(value)
  return parts.join('\n')
}
