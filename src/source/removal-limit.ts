import { percentage } from '../options/percentage.ts'
import { defaultMaxRemovedPercent, type Stream } from '../ports/source.ts'
import type { StreamSettings } from './rest-options.ts'

export const maxRemovedOption = percentage
  .optional()
  .describe(
    `With \`write: reconcile\`: the largest share of the table's rows that one run may remove, rounded up to whole rows. A list that would remove more fails the stream, and nothing is removed: most likely it was cut off. "100%" allows all but an empty list, which \`allowEmptyReplace\` does. Default "${defaultMaxRemovedPercent}%". Above 0% and up to 100%`,
  )

/** What of a stream's options bounds what it removes. */
export function removalLimit({ maxRemoved }: StreamSettings): Pick<Stream, 'maxRemovedPercent'> {
  return maxRemoved === undefined ? {} : { maxRemovedPercent: maxRemoved }
}
