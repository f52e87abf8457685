// What becomes of a stream's records between the API and the destination: its transform, and the mark of those that are gone.
import type { Redactor } from '../http/redact.ts'
import type { SecretLookup } from '../options/secret.ts'
import type { SideTable, SourcePage } from '../ports/source.ts'
import type { TemplateValues } from '../template/request-template.ts'
import { deletionMarker } from './deletion.ts'
import type { StreamSettings } from './rest-options.ts'
import { compileTransform } from './transform/transform.ts'

export interface RecordChanges {
  /** Tables that the transform fills; `undefined` where there is no transform. */
  readonly sides: readonly SideTable[] | undefined
  /** Whether records may be marked as gone. */
  readonly marksDeleted: boolean
  /** `values`: what the placeholders of the request stood for. */
  apply(page: SourcePage, values: TemplateValues): SourcePage
}

/** `stream`: as in `desk.tickets`. */
export function recordChanges(
  stream: string,
  table: string,
  { key = [], transform: steps, deleted }: StreamSettings,
  lookup: SecretLookup,
  redactor: Redactor,
): RecordChanges {
  const onSecret = (value: string) => redactor.add(value)
  const transform = steps && compileTransform(steps, { name: stream, table, key, lookup, onSecret })
  const markDeleted = deleted === undefined ? undefined : deletionMarker(deleted)
  return {
    sides: transform?.sides,
    marksDeleted: markDeleted !== undefined,
    apply(page, values) {
      const transformed = transform?.apply(page, values) ?? page
      return markDeleted?.(transformed) ?? transformed
    },
  }
}
