import { z } from 'zod'
import { createPaginator } from '../pagination/options.ts'
import type { Paginator } from '../pagination/paginator.ts'
import type { StreamSettings } from './rest-options.ts'
import type { StreamProblem } from './stream-rules.ts'

const atOnce = z.int().min(1).max(100)

export const concurrencyOptions = z
  .strictObject({
    slices: atOnce
      .optional()
      .describe(
        'Slices that are read at once. Default 4; with `slices` by time, a `key` and no `version` 1, since a record that moves from one window to another could be overwritten by what it was before. 1 to 100',
      ),
    pages: atOnce
      .optional()
      .describe(
        'Pages of one slice that are under way or held in memory at once, beside the one that is handed on. More than 1 needs a list whose positions can be known: `offset` with `total`, `page-number` with `totalPages` or `totalRecords`, or a kind that a response header leads on. Default 4 where each page names the number of all records, else 1. 1 to 100',
      ),
  })
  .describe(
    'What is read side by side. Quotas and `maxConcurrent` hold in any case, so that this bounds memory and what a failure costs',
  )

export type ConcurrencyOptions = z.input<typeof concurrencyOptions>

const usual = 4

/** How many slices of a stream are read at once. */
export function slicesAtOnce(settings: StreamSettings): number {
  const { concurrency, slices, key, version, write } = settings
  if (concurrency?.slices !== undefined) return concurrency.slices
  // Where windows are of a time that changes, a record may be in two of them: what it was, read early and loaded late, must not win.
  const isOverwritten = key !== undefined && version === undefined && (write ?? 'merge') === 'merge'
  return slices?.at(-1)?.by === 'time' && isOverwritten ? 1 : usual
}

/** How many pages of a slice are read at once. */
export function pagesAtOnce({ concurrency, slices }: StreamSettings, paginator: Paginator): number {
  // A page that is asked for once more would be counted twice.
  if (slices?.some((slicing) => slicing.by === 'time' && slicing.cap !== undefined)) return 1
  // A total tells when the list changes between two pages that are read at once.
  return concurrency?.pages ?? (paginator.all && paginator.total ? usual : 1)
}

export function* concurrencyProblems(stream: StreamSettings): Iterable<StreamProblem> {
  const { concurrency, paginate, slices } = stream
  const pages = concurrency?.pages ?? 1
  if (pages === 1) return
  if (slices?.some((slicing) => slicing.by === 'time' && slicing.cap !== undefined)) {
    yield {
      path: ['concurrency', 'pages'],
      message:
        'with a `cap` the results of a window are counted page by page: leave `pages` out, and read windows side by side with `concurrency.slices`',
    }
    return
  }
  const { all, ahead } = createPaginator(paginate ?? { type: 'none' })
  if (all !== undefined || ahead !== undefined) return
  yield {
    path: ['concurrency', 'pages'],
    message: `${pages} pages at once need a list whose positions can be known, and with \`paginate.type: ${paginate?.type ?? 'none'}\` as it stands each page is known from the one before it: leave \`pages\` out, or write \`total\` (offset), \`totalPages\` or \`totalRecords\` (page-number), if the API names them`,
  }
}
