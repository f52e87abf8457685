import type { PageView } from '../../pagination/paginator.ts'
import type { DoubtfulEnd, EndCheck, FlagCheck } from './list-end.ts'

/**
 * Looks at last pages, and tells of a doubtful one once: the slices of a stream are asked in the same way. `checkOnly` is for those that
 * are the first as well, and is asked before `check`.
 */
export function announceDoubt(
  checkOnly: EndCheck,
  tellOnly: (doubt: DoubtfulEnd) => void,
  check: FlagCheck,
  tell: (message: string) => void,
): (page: PageView, isOnly: boolean) => void {
  let told = false
  return (page, isOnly) => {
    if (told) return
    const doubt = isOnly ? checkOnly(page) : undefined
    const message = doubt === undefined ? check(page) : undefined
    told = doubt !== undefined || message !== undefined
    if (doubt !== undefined) tellOnly(doubt)
    if (message !== undefined) tell(message)
  }
}
