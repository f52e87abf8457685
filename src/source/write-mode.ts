import type { WriteMode } from '../ports/source.ts'
import type { StreamSettings } from './rest-options.ts'

/** Without a key records can only be added; a list that is read whole each time would then be there once more with each run. */
export function writeMode({
  write,
  key,
  incremental,
}: Pick<StreamSettings, 'write' | 'key' | 'incremental'>): WriteMode {
  if (write !== undefined) return write
  if (key !== undefined) return 'merge'
  return incremental === undefined ? 'replace' : 'append'
}
