// Which lists are read with pages that overlap, so that they may shift while they are read.
import { isStreamed } from '../../http/decode/format-options.ts'
import type { StreamSettings } from '../rest-options.ts'
import type { StreamProblem } from '../stream-rules.ts'

/** Of smaller pages one record costs more than a tenth of them. */
const leastByDefault = 10

/** Whether the pages of a stream's list overlap by the last record that was read. */
export function overlaps(settings: StreamSettings): boolean {
  const { paginate } = settings
  if (paginate?.type === 'page-number') return paginate.overlap === 'anchor'
  if (paginate?.type !== 'offset' || paginate.overlap === 'none') return false
  if (paginate.overlap === 'anchor') return true
  const isCheap = (paginate.size?.value ?? leastByDefault) >= leastByDefault
  return isCheap && paginate.depth === undefined && obstacleTo(settings) === undefined
}

export function* overlapProblems(settings: StreamSettings): Iterable<StreamProblem> {
  const { paginate } = settings
  if (paginate === undefined || !('overlap' in paginate) || paginate.overlap !== 'anchor') return
  const obstacle = obstacleTo(settings)
  if (obstacle !== undefined) yield { path: ['paginate', 'overlap'], message: obstacle }
}

/** What is shown before a run of a list that is counted. */
export function describeOverlap(settings: StreamSettings): string | undefined {
  const { paginate } = settings
  if (overlaps(settings)) {
    return paginate?.type === 'offset'
      ? 'pages overlap by one record: what comes or goes meanwhile costs no other record'
      : 'pages overlap, by other page sizes: what comes or goes meanwhile costs no other record'
  }
  if (paginate?.type !== 'offset' && paginate?.type !== 'page-number') return undefined
  return 'pages are counted: a record that is deleted while the list is read hides another one'
}

/** Why pages can't overlap, and what to write. */
function obstacleTo({ key, format, slices, sides, job }: StreamSettings): string | undefined {
  if (key === undefined)
    return '`overlap: anchor` knows records again by their key, and there is none: name the field that tells one record from another, as in `key: id`'
  if (isStreamed(format))
    return `with \`format: ${format.type}\` a page is handed on while it arrives, before it is known where it belongs: leave \`overlap\` out`
  if (job !== undefined)
    return 'the results of a `job` stay as they are while they are read: leave `overlap` out'
  if (slices?.some((slicing) => slicing.by === 'time' && slicing.cap !== undefined))
    return 'with a `cap` the results of a window are counted page by page, and would be counted twice: leave `overlap` out'
  if (Object.values(sides ?? {}).some((side) => side.key === undefined))
    return 'the rows of a side table come once more with the page that overlaps, and one without a key would have them twice: give each of `sides` a `key`'
  return undefined
}
