import type { Cell } from './connection.ts'

// The types' numbers in pg_type.dat of PostgreSQL's source: they never change.
const BOOL = 16
const INT8 = 20
const INT2 = 21
const INT4 = 23
const OID = 26
const FLOAT4 = 700
const FLOAT8 = 701
const TIMESTAMPTZ = 1184

/** A value of a result, from the text that the server sends. */
export function parseValue(type: number, text: string): Cell {
  switch (type) {
    case BOOL:
      return text === 't'
    case INT2:
    case INT4:
    case OID:
      return Number(text)
    case INT8:
    case FLOAT4:
    case FLOAT8: {
      const number = Number(text)
      if (type === INT8) return Number.isSafeInteger(number) ? number : text
      return Number.isFinite(number) ? number : text
    }
    case TIMESTAMPTZ:
      // `2024-01-31 08:00:00.25+00`, or `infinity`.
      return text.endsWith('+00') ? `${text.slice(0, 10)}T${text.slice(11, -3)}Z` : text
    default:
      return text
  }
}
