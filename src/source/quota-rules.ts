import type { QuotaEntry } from '../quota/declared/entry.ts'
import { textParts } from '../template/placeholder.ts'
import { methodOf } from './request/request-options.ts'
import type { StreamSettings } from './rest-options.ts'
import type { StreamProblem } from './stream-rules.ts'

/**
 * What can't work in the quotas of a stream.
 * @param placeholders those of its request
 */
export function* quotaProblems(
  stream: StreamSettings,
  placeholders: ReadonlySet<string>,
): Iterable<StreamProblem> {
  for (const [index, entry] of stream.quotas.entries()) {
    const unknown = namesOf(entry.each).find((name) => !placeholders.has(name))
    if (unknown !== undefined) {
      const known = [...placeholders].map((name) => `{${name}}`)
      yield {
        path: ['quotas', index, 'each'],
        message: `no request of this stream names {${unknown}}, so none can be told from another by it: ${
          known.length === 0 ? 'its requests name no placeholder' : `they name ${known.join(', ')}`
        }`,
      }
    }
    const methods = entry.for?.methods
    const method = methodOf(stream)
    if (methods !== undefined && !methods.includes(method) && stream.job === undefined) {
      yield {
        path: ['quotas', index, 'for', 'methods'],
        message: `this stream asks with ${method}, so the limit would hold for none of its requests: leave \`methods\` out`,
      }
    }
  }
}

function namesOf(each: QuotaEntry['each']): string[] {
  if (typeof each !== 'string') return []
  return textParts(each).flatMap((part) => ('name' in part ? [part.name] : []))
}
