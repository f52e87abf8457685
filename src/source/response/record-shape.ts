// Records that come as something else than a list of objects.

import { compilePath, parsePath } from '../../pagination/path.ts'
import { isObject, type JsonRecord, type Value } from '../../ports/json.ts'
import { compileQuery } from './json-path.ts'
import { isWholeBody, type RecordsAs } from './records-options.ts'
import { kindOf, setField } from './values.ts'

export interface Reject {
  readonly record: JsonRecord
  readonly reason: string
}

/** What was found becomes records, or there is a problem with it. */
export type Shape = (
  found: Value[] | { [key: string]: Value },
  body: Value,
) => { records: JsonRecord[]; rejects?: readonly Reject[] } | { problem: string }

export function shapeOf(as: RecordsAs): Shape {
  return 'map' in as ? mapShape(as.map) : rowsShape(as.rows)
}

/** `{ a1: { name } }` → `{ id: 'a1', name }`; a value that is no object goes into the field `value`. */
function mapShape(field: string): Shape {
  return (found) => {
    const maps = Array.isArray(found) ? found : [found]
    const records: JsonRecord[] = []
    for (const map of maps) {
      if (!isObject(map)) {
        return {
          problem: `\`recordsAs: { map: ${field} }\` takes the values of an object, and ${Array.isArray(found) ? `\`records\` leads to a list with ${kindOf(map)} in it` : `there is ${kindOf(map)}`}: leave \`recordsAs\` out where the records are a list`,
        }
      }
      for (const key of Object.keys(map)) {
        const value = map[key]!
        const record: JsonRecord = {}
        setField(record, field, key)
        if (!isObject(value)) setField(record, field === 'value' ? 'value_value' : 'value', value)
        else {
          for (const name of Object.keys(value)) {
            if (name === field && String(value[name]) !== key) {
              return {
                problem: `the record ${JSON.stringify(key)} has a field \`${field}\` of its own (${kindOf(value[name]!)}): choose another name in \`recordsAs: { map: ${field} }\``,
              }
            }
            // The API's own value keeps its type.
            setField(record, name, value[name]!)
          }
        }
        records.push(record)
      }
    }
    return { records }
  }
}

/** `[1, "a"]` → `{ id: 1, name: 'a' }`. A shorter list lacks its last fields, as in Google Sheets; a longer one is a reject. */
function rowsShape(rows: string | readonly string[]): Shape {
  const namesOf = typeof rows === 'string' ? namesReader(rows) : () => rows
  return (found, body) => {
    if (!Array.isArray(found)) {
      return { problem: `\`recordsAs: { rows }\` takes a list of lists, and \`records\` leads to an object` }
    }
    if (found.length === 0) return { records: [] }
    const names = namesOf(body)
    if ('problem' in names) return names
    const records: JsonRecord[] = []
    const rejects: Reject[] = []
    for (const row of found) {
      if (!Array.isArray(row))
        rejects.push({ record: { value: row }, reason: `it is ${kindOf(row)}, not a list of values` })
      else if (row.length > names.length) {
        rejects.push({
          record: { values: row },
          reason: `it has ${row.length} values, and there are ${names.length} names`,
        })
      } else {
        const record: JsonRecord = {}
        for (let at = 0; at < row.length; at++) setField(record, names[at]!, row[at]!)
        records.push(record)
      }
    }
    return rejects.length === 0 ? { records } : { records, rejects }
  }
}

function namesReader(text: string): (body: Value) => readonly string[] | { problem: string } {
  const isPlain = isWholeBody(text) || parsePath(text) !== undefined
  const plain = isPlain ? compilePath(isWholeBody(text) ? '$' : text) : undefined
  const query = isPlain ? undefined : compileQuery(text)
  const find = (body: Value): Value | undefined => {
    if (plain !== undefined) return plain(body)
    const result = query!(body)
    return 'items' in result ? result.items : undefined
  }
  return (body) => {
    const found = find(body)
    if (found === undefined || !Array.isArray(found)) {
      return {
        problem: `\`recordsAs.rows: ${text}\` is ${found === undefined ? 'absent' : kindOf(found)}, not the list of the rows' names`,
      }
    }
    const names = new Set<string>()
    for (const name of found) {
      if (typeof name !== 'string' || name === '') {
        return {
          problem: `\`recordsAs.rows: ${text}\` holds ${kindOf(name)}, which is no name: for lists of objects, lead to their names, as in "$.${text}[*].name"`,
        }
      }
      if (names.has(name))
        return {
          problem: `\`recordsAs.rows: ${text}\` holds the name ${JSON.stringify(name)} twice: write a list of names instead`,
        }
      names.add(name)
    }
    return [...names]
  }
}
