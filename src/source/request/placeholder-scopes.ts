// Which placeholders a stream's request may name: what its slices, its incremental and its job give values for.

/** The fields of each word that a placeholder may begin with; `any` where only the data knows them. */
export type PlaceholderScopes = Readonly<Record<string, readonly string[] | 'any'>>

/** As much of a stream's options as says what placeholders stand for. */
export interface ScopedStream {
  readonly slices?: { readonly by?: string } | undefined
  readonly incremental?: { readonly by: string } | undefined
  readonly job?: unknown
}

/** What there is for a stream's placeholders. */
export function placeholderScopes({ slices, incremental, job }: ScopedStream): PlaceholderScopes {
  const isParent = slices?.by === 'parent'
  return {
    ...(isParent && { parent: 'any' }),
    ...(slices !== undefined && !isParent && { slice: slices.by === 'time' ? ['from', 'to'] : 'any' }),
    ...(incremental !== undefined && {
      cursor: incremental.by === 'time' ? ['value', 'end'] : ['value'],
    }),
    ...(job !== undefined && { job: 'any' }),
  }
}

/** Whether a placeholder's name, as in `slice.from`, stands for something. */
export function isInScope(name: string, scopes: PlaceholderScopes): boolean {
  const [, word = '', field = ''] = /^(\w+)\.?(.*)$/s.exec(name) ?? []
  const fields = Object.hasOwn(scopes, word) ? scopes[word] : undefined
  return fields === 'any' || fields?.includes(field) === true
}

/** What there is, as a message lists it. */
export function listScopes(scopes: PlaceholderScopes): string {
  const names = Object.entries(scopes).flatMap(([word, fields]) =>
    fields === 'any' ? [`{${word}.FIELD}`] : fields.map((field) => `{${word}.${field}}`),
  )
  return names.length === 0
    ? 'this stream has none: `slices`, `incremental` and `job` give values for placeholders'
    : `this stream has ${names.join(', ')}`
}
