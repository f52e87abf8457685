// Fields by which an API may tell what is new.
import type { JsonRecord, Value } from '../ports/json.ts'

export interface TimeField {
  readonly field: string
  readonly format: 'iso' | 'epoch' | 'epoch_ms'
  /** Whether its name says that it moves with each change of a record. */
  readonly moves: boolean
}

const changed =
  /^(date_?)?(last_?)?(updated|modified|changed|edited|update|modification)(_?(at|on|date|time|timestamp|since))?$/
const created =
  /^(date_?)?(created|inserted|added|occurred|create|creation|event|time|timestamp)(_?(at|on|date|time|timestamp))?$/

/** Whether a field is called like a time of change. */
export function namesChange(field: string): boolean {
  return changed.test(words(field))
}

function words(field: string): string {
  return field.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase()
}

/** The fields with times of change or of birth, those of change first. */
export function timeFields(records: readonly JsonRecord[]): readonly TimeField[] {
  const found: TimeField[] = []
  const [first] = records
  for (const field of Object.keys(first ?? {})) {
    const name = words(field)
    const moves = changed.test(name)
    if (!moves && !created.test(name)) continue
    const formats = new Set(records.map((record) => formatOf(record[field])))
    const [format] = formats
    if (formats.size === 1 && format !== undefined) found.push({ field, format, moves })
  }
  return found.toSorted((a, b) => Number(b.moves) - Number(a.moves))
}

function formatOf(value: Value | undefined): TimeField['format'] | undefined {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$/.test(value)) return 'iso'
  const number = typeof value === 'string' && /^\d{10}(\d{3})?$/.test(value) ? Number(value) : value
  if (typeof number !== 'number') return undefined
  // From 2001 to 2100.
  if (number > 1e9 && number < 4.2e9) return 'epoch'
  return number > 1e12 && number < 4.2e12 ? 'epoch_ms' : undefined
}
