import { compileCondition } from '../options/condition.ts'
import type { JsonRecord } from '../ports/json.ts'
import { type SourcePage, tombstoneField } from '../ports/source.ts'

/** Marks the records that say that they are gone at the API, so that their rows are removed. */
export function deletionMarker(condition: string): (page: SourcePage) => SourcePage {
  const isGone = compileCondition(condition)
  return (page) => {
    if (!page.records.some(isGone)) return page
    const mark = (record: JsonRecord) => (isGone(record) ? { ...record, [tombstoneField]: true } : record)
    return { ...page, records: page.records.map(mark) }
  }
}
