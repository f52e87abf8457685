import type { StreamSettings } from '../rest-options.ts'
import type { StreamProblem } from '../stream-rules.ts'

/** Bounds that the API is never told: neither a `param` nor a placeholder says where they go. */
export function* boundProblems(
  { incremental }: StreamSettings,
  placeholders: ReadonlySet<string>,
): Iterable<StreamProblem> {
  const lacks = (param: unknown, name: string) => param === undefined && !placeholders.has(name)
  const problem = (path: readonly string[], name: string): StreamProblem => ({
    path,
    message: `say where the API takes this value: here, as in "since", or by the placeholder {${name}} in \`path\`, \`query\`, \`headers\` or \`body\``,
  })
  if (incremental?.by === 'position' && incremental.start && lacks(incremental.start.param, 'cursor.value'))
    yield problem(['incremental', 'start', 'param'], 'cursor.value')
}
