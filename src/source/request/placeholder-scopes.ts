// Which placeholders a stream's request may name: what its slices, its incremental and its job give values for.

/** The fields of each word that a placeholder may begin with; `any` where only the data knows them. */
export type PlaceholderScopes = Readonly<Record<string, readonly string[] | 'any'>>

/** As much of a stream's options as says what placeholders stand for. */
export interface ScopedStream {
  readonly slices?: readonly ScopedSlicing[] | undefined
  readonly incremental?: { readonly by: string } | undefined
  readonly job?: unknown
}

type ScopedSlicing = { readonly by: 'time' } | { readonly by: 'parent'; readonly as: string } | ScopedList

interface ScopedList {
  readonly by: 'list'
  readonly name?: string | undefined
  readonly values: readonly unknown[]
}

/** What there is for a stream's placeholders. */
export function placeholderScopes({ slices = [], incremental, job }: ScopedStream): PlaceholderScopes {
  const ofSlice = slices.flatMap((slicing) =>
    slicing.by === 'time' ? ['from', 'to'] : slicing.by === 'list' ? namesOfValue(slicing) : [],
  )
  const parents = slices.flatMap((slicing) => (slicing.by === 'parent' ? [[slicing.as, 'any'] as const] : []))
  return {
    ...Object.fromEntries(parents),
    // What has no name yet is refused by itself.
    ...(ofSlice.length > 0 && { slice: ofSlice.includes(unnamed) ? ('any' as const) : ofSlice }),
    ...(incremental !== undefined && {
      cursor: incremental.by === 'time' ? ['value', 'end'] : ['value'],
    }),
    ...(job !== undefined && { job: 'any' }),
  }
}

const unnamed = ''

function namesOfValue({ name, values }: ScopedList): readonly string[] {
  const [first] = values
  return typeof first === 'object' && first !== null ? Object.keys(first) : [name ?? unnamed]
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
    ? 'placeholders get their values from `slices`, `incremental` or `job`, and this stream has none of them'
    : `this stream has ${names.join(', ')}`
}
