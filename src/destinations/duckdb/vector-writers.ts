import bindings from '@duckdb/node-bindings'
import type { JsonRecord, Value } from '../../ports/json.ts'
import { encodeJson } from '../../records/encode-json.ts'
import { encodeText } from '../../records/encode-text.ts'
import { daysOfDate, microsOfTimestamp } from './epoch.ts'
import { storableJson } from './json-text.ts'
import { StringPacker } from './packed-strings.ts'
import { Validity, VECTOR_SIZE, type VectorHandle } from './vector.ts'

// Moves one field of up to 2,048 records into one vector. Numbers are laid out in a buffer of JavaScript's and copied with
// one native call. The buffers are shared: a vector is written from start to end before the next one is begun.

/** Writes `count` records, from `from` on, into the vector. */
export type VectorWriter = (
  vector: VectorHandle,
  records: readonly JsonRecord[],
  from: number,
  count: number,
) => void

/** Reads one field of a record, `null` where it is absent. */
type Read = (record: JsonRecord) => Value

/** Called for a value that its column can't hold; throws. */
type Refuse = (value: Value) => never

const TWO_TO_32 = 4_294_967_296
const buffer = new ArrayBuffer(VECTOR_SIZE * 8)
const words = new Int32Array(buffer)
const doubles = new Float64Array(buffer)
const longs = new BigInt64Array(buffer)
const bytes = new Uint8Array(buffer)
const validity = new Validity()
const strings = new StringPacker()

/** 64 bits of a whole number that a double holds. Two halves cost a tenth of what a bigint does. */
function putLong(row: number, value: number): void {
  const high = Math.floor(value / TWO_TO_32)
  words[row * 2] = value - high * TWO_TO_32
  words[row * 2 + 1] = high
}

function fixedWidth(width: number, read: Read, put: (row: number, value: Value) => void): VectorWriter {
  return (vector, records, from, count) => {
    validity.reset()
    for (let row = 0; row < count; row++) {
      const value = read(records[from + row]!)
      if (value === null) validity.setNull(row)
      else put(row, value)
    }
    bindings.copy_data_to_vector(vector, 0, buffer, 0, count * width)
    validity.flush(vector, count)
  }
}

function text(read: Read, encode: (value: Value) => string | null): VectorWriter {
  return (vector, records, from, count) => {
    for (let row = 0; row < count; row++) {
      const value = read(records[from + row]!)
      strings.set(row, value === null ? null : encode(value))
    }
    strings.flush(vector, count)
  }
}

/** BIGINT, from numbers and bigints. */
export function longWriter(read: Read, refuse: Refuse): VectorWriter {
  return fixedWidth(8, read, (row, value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) putLong(row, value)
    else if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) longs[row] = value
    else refuse(value)
  })
}

/** DOUBLE. */
export function doubleWriter(read: Read, refuse: Refuse): VectorWriter {
  return fixedWidth(8, read, (row, value) => {
    if (typeof value === 'number') doubles[row] = value
    else refuse(value)
  })
}

/** BOOLEAN. */
export function booleanWriter(read: Read, refuse: Refuse): VectorWriter {
  return fixedWidth(1, read, (row, value) => {
    if (typeof value === 'boolean') bytes[row] = value ? 1 : 0
    else refuse(value)
  })
}

/** DATE, as days since 1970. */
export function dateWriter(read: Read, refuse: Refuse): VectorWriter {
  return fixedWidth(4, read, (row, value) => {
    if (typeof value === 'string') words[row] = daysOfDate(value)
    else refuse(value)
  })
}

/** TIMESTAMPTZ, as microseconds since 1970. */
export function timestampWriter(read: Read, refuse: Refuse): VectorWriter {
  return fixedWidth(8, read, (row, value) => {
    if (typeof value !== 'string') return refuse(value)
    const micros = microsOfTimestamp(value)
    if (typeof micros === 'bigint') longs[row] = micros
    else putLong(row, micros)
  })
}

/** VARCHAR, of any scalar. */
export function textWriter(read: Read): VectorWriter {
  return text(read, encodeText)
}

/** JSON. */
export function jsonWriter(read: Read): VectorWriter {
  return text(read, (value) => storableJson(encodeJson(value)))
}

/** BIGINT: the record's place among those that are written, or its entry in `ordinals`. */
export function ordinalWriter(ordinals: readonly number[] | undefined): VectorWriter {
  return (vector, _records, from, count) => {
    for (let row = 0; row < count; row++) putLong(row, ordinals?.[from + row] ?? from + row)
    bindings.copy_data_to_vector(vector, 0, buffer, 0, count * 8)
  }
}
