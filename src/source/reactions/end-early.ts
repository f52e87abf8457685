import type { Json, JsonRecord } from '../../ports/json.ts'
import type { ReadOptions } from '../../ports/source.ts'
import type { FetchedPage } from '../pages/fetch-page.ts'
import type { SliceReading } from '../progression.ts'
import type { EarlyEnd } from './judge-success.ts'

/**
 * Ends a slice before its list has ended, as its config says.
 * @throws the failure of the request where a record is to be skipped and the request was for none
 */
export async function endEarly(
  page: FetchedPage & { readonly end: EarlyEnd },
  at: Json | undefined,
  reading: SliceReading,
  { emit, onStop }: ReadOptions,
): Promise<void> {
  const { action, reason, error } = page.end
  if (action === 'stop-slice') {
    onStop?.(reason)
    return
  }
  const progress = reading.progress({ view: page.view, at, next: undefined })
  const rejects = action === 'skip-record' ? [{ record: recordOf(reading, error), reason }] : undefined
  await emit({
    records: [],
    bytes: 0,
    ...(progress !== undefined && { progress }),
    ...(rejects && { rejects }),
  })
}

/** The record that a slice's requests are for: its parent, else the values that its placeholders stand for. */
function recordOf({ values }: SliceReading, failure: Error): JsonRecord {
  const parent = values?.['parent']
  if (typeof parent === 'object' && parent !== null && !Array.isArray(parent)) return parent as JsonRecord
  if (values === undefined || Object.keys(values).length === 0) throw failure
  return { ...values }
}
