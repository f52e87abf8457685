import { createHash } from 'node:crypto'

// PostgreSQL cuts names off after 63 bytes, and so would take two long names that begin alike for one. A longer one is cut here, and
// ends in a hash of the whole. So does one that looks as if it had been cut: no name can be another one's short form.
// The columns that each table has of the system's own (ctid, xmin) lend their names to no other, whatever the quotes.

const MAX_BYTES = 63
const HASH_DIGITS = 10
const shortForm = /_[0-9a-f]{10}$/
/** A cut name has at most 3 bytes less than its room: a character of UTF-8 is not cut apart. */
const LEAST_CUT_BYTES = MAX_BYTES - 3

/** A system column's name, and what stands in for one: that moves on as well, so that two names never become one. */
const systemColumn = /^(?:tableoid|xmin|cmin|xmax|cmax|ctid)(?:_2)*$/

/**
 * The name under which a table, a column or an index is kept: the given one where it is short enough, and no system column's, which
 * gets `_2`.
 */
export function storedName(name: string): string {
  // NUL and half a surrogate pair can't be written in a name.
  const written = name.replaceAll('\0', '\ufffd').replace(/\p{Surrogate}/gu, '\ufffd')
  const whole = systemColumn.test(written) ? `${written}_2` : written
  const bytes = Buffer.byteLength(whole)
  if (bytes <= MAX_BYTES && !(bytes >= LEAST_CUT_BYTES && shortForm.test(whole))) return whole
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, HASH_DIGITS)
  return `${cut(whole, MAX_BYTES - HASH_DIGITS - 1)}_${hash}`
}

/** A name as an SQL identifier, in its stored form. */
export function identifier(name: string): string {
  return quote(storedName(name))
}

/** A name that the database has told as an SQL identifier. */
export function quote(stored: string): string {
  return `"${stored.replaceAll('"', '""')}"`
}

/** A table of the schema as SQL. */
export function qualified(schema: string, table: string): string {
  return `${identifier(schema)}.${identifier(table)}`
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** The longest beginning of a text that has no more bytes of UTF-8. */
function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text)
  let end = bytes
  while ((encoded[end]! & 0xc0) === 0x80) end--
  return encoded.toString('utf8', 0, end)
}
