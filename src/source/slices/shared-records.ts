// A record that belongs to several parents, as a member does to teams, is one row where its key doesn't name the parent: the last parent
// that is read stays, and nobody is told.
import type { JsonRecord, Value } from '../../ports/json.ts'
import { sameValue } from '../pages/same-values.ts'
import type { StreamSettings } from '../rest-options.ts'
import type { CarriedField } from './partition.ts'

/** The first records of a run by which a later one is known again. */
const mostKept = 10_000

/** Looks at the records of a stream's partitions, each with what it was given by its partition. */
export type SharedRecordWatch = (records: readonly JsonRecord[], carried: readonly CarriedField[]) => void

/** Begins anew for each run. `undefined` where no record can be shared, or each has a row for each of its partitions. */
export function sharedRecordWatch(
  { key = [], write }: Pick<StreamSettings, 'key' | 'write'>,
  tell: (message: string) => void,
): (() => SharedRecordWatch) | undefined {
  if (key.length === 0 || write === 'append') return undefined
  const keyOf = keyReader(key)
  return () => {
    const seen = new Map<unknown, readonly CarriedField[]>()
    let told = false
    return (records, carried) => {
      if (told || carried.length === 0 || carried.some(({ field }) => key.includes(field))) return
      for (const record of records) {
        const name = keyOf(record)
        if (name === undefined) continue
        const earlier = seen.get(name)
        if (earlier === undefined) {
          if (seen.size < mostKept) seen.set(name, carried)
          continue
        }
        const other = earlier === carried ? undefined : carried.find((each, at) => !isSame(each, earlier[at]))
        if (other === undefined) continue
        told = true
        tell(messageOf(key, other))
        return
      }
    }
  }
}

function isSame(a: CarriedField, b: CarriedField | undefined): boolean {
  return b !== undefined && a.field === b.field && sameValue(a.value, b.value)
}

function messageOf(key: readonly string[], { field, from }: CarriedField): string {
  const named = key.map((each) => `\`${each}\``).join(' and ')
  return `a record came in several slices, with another \`${field}\` of ${from} each time: there is one row for each ${named}, which keeps the \`${field}\` that was read last. If such a record belongs to all of them, write \`key: [${[...key, field].join(', ')}]\``
}

/** A key of one field is its own name: nothing is made for it. */
function keyReader(key: readonly string[]): (record: JsonRecord) => unknown {
  const [only, ...others] = key
  if (others.length === 0) return (record) => scalar(record[only!])
  return (record) => {
    const values = key.map((field) => scalar(record[field]))
    return values.includes(undefined)
      ? undefined
      : values.map((value) => `${typeof value}${value}`).join('\0')
  }
}

function scalar(value: Value | undefined): string | number | bigint | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? value
    : undefined
}
