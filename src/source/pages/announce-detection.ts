// What `paginate: { type: auto }` found is told: as an event, once a stream, and where a request is shown.
import { describeDetection, describeFound } from '../../pagination/auto.ts'
import { type Detection, detectPagination } from '../../pagination/detect/detect-pagination.ts'
import type { PaginatorOptions } from '../../pagination/options.ts'
import type { PageView, Paginator } from '../../pagination/paginator.ts'
import type { Json } from '../../ports/json.ts'

export interface Announced {
  readonly paginator: Paginator
  /** For a request that is shown: what was found by this stream, or by the run that stored the position; undefined where nothing is to be found. */
  describe(position: Json | undefined): string | undefined
}

/** The paginator, which tells of what it found on the stream's first page. Of every other kind it is the paginator itself. */
export function announceDetection(
  options: PaginatorOptions | undefined,
  paginator: Paginator,
  tell: (detection: Detection) => void,
): Announced {
  if (options?.type !== 'auto') return { paginator, describe: () => undefined }
  let told: Detection | undefined
  return {
    paginator: {
      ...paginator,
      next(page: PageView, position: Json | undefined) {
        // What can't be followed is an error, which says all that a warning would.
        const following = paginator.next(page, position)
        if (position === undefined && told === undefined) {
          told = detectPagination(page)
          tell(told)
        }
        return following
      },
    },
    describe(position) {
      const stored = describeFound(position)
      if (stored !== undefined) return `auto: the last run found ${stored}`
      return told === undefined
        ? 'auto: how the list goes on is not known before its first page'
        : `auto: found ${describeDetection(told)}`
    },
  }
}
