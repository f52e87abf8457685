// Where a stream's records are in a response, and what they are made of.
import { z } from 'zod'
import { parsePath, path } from '../../pagination/path.ts'
import { queryProblem } from './json-path.ts'

const fieldName = z.string().min(1, { error: "a field's name can't be empty" })

/** Whether a record selector means the body itself. */
export function isWholeBody(text: string): boolean {
  return text === '' || text === '.' || text === '$'
}

/** Whether a record selector is a plain path, and no JSONPath query. */
export function isPlainPath(text: string): boolean {
  return isWholeBody(text) || parsePath(text) !== undefined
}

/** An option that says where records are: a plain path, or JSONPath. */
export const recordSelector = z
  .string()
  .refine((text) => isPlainPath(text) || queryProblem(text) === undefined, {
    error: (issue) => {
      const text = String(issue.input)
      const reason = /[$*?]|\.\./.test(text) ? ` (as JSONPath: ${queryProblem(text)})` : ''
      return `${JSON.stringify(text)} is no path${reason}: write keys with dots, as in "data.items", JSONPath as RFC 9535 has it, as in "$.data[*].node", or '' for the body itself`
    },
  })

export const recordsAs = z
  .union(
    [
      z.strictObject({
        map: fieldName.describe(
          'The records are the values of an object, and this field takes their keys: { "a1": { … } } becomes { id: "a1", … } with `map: id`',
        ),
      }),
      z.strictObject({
        rows: z
          .union([
            recordSelector,
            z
              .array(fieldName)
              .min(1, { error: 'name the columns, in their order' })
              .refine((names) => new Set(names).size === names.length, {
                error: 'two columns have the same name',
              }),
          ])
          .describe(
            'The records are lists of values, and here are the names of their fields: a list, or where the body has one, as in "columns" or "$.columnHeaders[*].name"',
          ),
      }),
    ],
    { error: 'write { map: id } for an object of records, or { rows: columns } for lists of values' },
  )
  .describe(
    'What else the records are than a list of objects: the values of an object, or lists of values with their names elsewhere',
  )

export const include = z
  .record(fieldName, path)
  .refine((fields) => Object.keys(fields).length > 0, {
    error: 'name at least one field, or leave `include` out',
  })
  .describe(
    'Values beside the records that go into each of them: field and path in the body, as in { currency: meta.currency }. What is absent is left out',
  )

export type RecordsAs = z.output<typeof recordsAs>
