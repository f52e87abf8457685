import type { Paginator } from '../../pagination/paginator.ts'
import type { SliceReading } from '../progression.ts'

/** A list that is read from its newest record on ends where the reading has seen enough. No page behind it is asked for ahead. */
export function upToTheMark(paginator: Paginator, { isEnough }: SliceReading): Paginator {
  if (isEnough === undefined) return paginator
  const { request, resume, windows, place } = paginator
  return {
    request,
    next: (page, position) => (isEnough() ? undefined : paginator.next(page, position)),
    ...(resume && { resume }),
    ...(windows && { windows }),
    ...(place && { place }),
  }
}
