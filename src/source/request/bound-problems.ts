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
  const told = [
    ['param', incremental && 'param' in incremental ? incremental.param : undefined, 'cursor.value'],
    ['endParam', incremental?.by === 'time' ? incremental.endParam : undefined, 'cursor.end'],
  ] as const
  for (const [option, param, name] of told) {
    if (param === undefined || !placeholders.has(name)) continue
    yield {
      path: ['incremental', option],
      message: `the request has the placeholder {${name}}, and this option would say the same value once more: leave one of the two out`,
    }
  }
}
