/** The column that each data row carries beside its fields: the id of the load that wrote it. */
export const LOAD_ID_COLUMN = '_sluice_load_id'

/** The columns of a table with history: from when, and until when, a row's version holds. */
export const VALID_FROM_COLUMN = '_sluice_valid_from'
export const VALID_TO_COLUMN = '_sluice_valid_to'

/** In files alone: a row's number in its load, and the exact digits of its numbers that a double can't hold. */
export const ROW_COLUMN = '_sluice_row'
export const DIGITS_COLUMN = '_sluice_digits'

/** The columns that a table may have beside those of its records' fields. */
export const OWN_COLUMNS = [
  LOAD_ID_COLUMN,
  VALID_FROM_COLUMN,
  VALID_TO_COLUMN,
  ROW_COLUMN,
  DIGITS_COLUMN,
] as const

/** The name of a field's column where the field's name is the empty string, which no warehouse takes. */
const EMPTY_FIELD = '_empty'

/**
 * Names columns after their fields. Warehouses compare names without regard to case, so a field that differs from a
 * taken name only in case, or is called like a column of Sluice's own, gets `_2` (or the next free number). What has a
 * name keeps it.
 */
export function columnNamer(taken: Iterable<string>): (field: string) => string {
  const used = new Set<string>(OWN_COLUMNS)
  for (const name of taken) used.add(name.toLowerCase())
  return (field) => {
    // NUL and half a surrogate pair can't be written in an identifier.
    const base = field.replaceAll('\0', '\ufffd').replace(/\p{Surrogate}/gu, '\ufffd') || EMPTY_FIELD
    let name = base
    for (let number = 2; used.has(name.toLowerCase()); number++) name = `${base}_${number}`
    used.add(name.toLowerCase())
    return name
  }
}
