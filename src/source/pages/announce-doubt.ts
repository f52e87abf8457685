import type { PageView } from '../../pagination/paginator.ts'
import type { DoubtfulEnd, EndCheck } from './list-end.ts'

/** Looks at first pages that are the last, and tells of a doubtful one once: the slices of a stream are asked in the same way. */
export function announceDoubt(check: EndCheck, tell: (doubt: DoubtfulEnd) => void): (page: PageView) => void {
  let told = false
  return (page) => {
    const doubt = told ? undefined : check(page)
    if (doubt === undefined) return
    told = true
    tell(doubt)
  }
}
