import { z } from 'zod'
import { condition } from '../../options/condition.ts'
import { secret } from '../../options/secret.ts'
import { path } from '../../pagination/path.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'

/** What a function of a pipeline file is told beside the record. */
export interface TransformContext {
  /** As in `desk.tickets`. */
  readonly stream: string
  /** What placeholders stand for in the slice, as in `parent.id`. */
  readonly values: Readonly<Record<string, Value>>
}

/** Gives a record, several, or nothing (`null`, `undefined`) to leave it out. It may change the record that it is given. */
export type MapRecord = (
  record: JsonRecord,
  context: TransformContext,
) => JsonRecord | readonly JsonRecord[] | null | undefined

/** Says whether a record is kept. */
export type FilterRecord = (record: JsonRecord, context: TransformContext) => boolean

const aFunction = <F extends (...parameters: never[]) => unknown>(example: string) =>
  z
    .custom<F>((value) => typeof value === 'function', {
      error: `a function is expected, as in ${example}`,
    })
    .meta({ title: 'function' })

const fields = z.array(path).min(1, { error: 'name at least one field' })
const fieldOrFields = z.union([path.transform((field) => [field]), fields], {
  error: 'name a field, as in "email", or several, as in ["email", "address.street"]',
})
const fieldName = z.string().min(1, { error: "a field's name can't be empty" })

const whatToCarry = z.record(fieldName, path)

const nameStyle = z.union(
  [
    z.enum(['snake_case', 'lower_case']),
    z.strictObject({
      replace: z.string().min(1).describe('The text to replace in each name'),
      with: z.string().describe('What takes its place'),
    }),
  ],
  { error: 'write snake_case, lower_case, or { replace: "-", with: "_" }' },
)

const flattenOptions = z.strictObject({
  fields: fields.optional().describe('The fields to flatten. Default: all that hold an object'),
  separator: z.string().default('_').describe('What stands between the names. Default "_"'),
  prefix: z
    .boolean()
    .default(true)
    .describe("Whether a lifted field's name begins with that of the object that it was in. Default true"),
  depth: z.int().min(1).optional().describe('How many levels are lifted. Default: all of them'),
  lists: z
    .boolean()
    .default(false)
    .describe(
      'Whether lists are flattened too, item by item, as in tags_0, tags_1. Default false: they stay lists',
    ),
  keep: z
    .boolean()
    .default(false)
    .describe('Whether the object itself stays beside its fields. Default false'),
})

const tableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} can't name a table: use letters, digits and _, at most 63, and no digit first`,
})

const splitOptions = z
  .strictObject({
    table: tableName
      .optional()
      .describe(
        "The table that the list's items go to. Default: the stream's table and the field, as in desk_tickets_tags",
      ),
    as: whatToCarry
      .optional()
      .describe(
        'Fields of the record that each item carries, by the name that they have there. Default: the key, as in { parent_id: "id" }; a key that is left out here is carried all the same',
      ),
  })
  .describe('A list whose items become rows of a table of their own')

const stepFields = z.strictObject({
  where: condition
    .optional()
    .describe('The step is taken for records that meet this condition. Default: for all'),
  filter: z
    .union([condition, aFunction<FilterRecord>('(record) => record.amount > 0')], {
      error: (issue) =>
        typeof issue.input === 'string'
          ? (condition.safeParse(issue.input).error?.issues[0]?.message ?? 'a condition is expected')
          : 'write a condition, as in "@.amount > 0", or a function',
    })
    .optional()
    .describe('Keeps the records that meet this condition, and leaves out the others'),
  drop: fieldOrFields.optional().describe('Leaves out these fields'),
  keep: z.array(fieldName).min(1).optional().describe('Leaves out all top-level fields but these'),
  rename: z
    .record(fieldName, fieldName)
    .optional()
    .describe('New names of top-level fields, as in { createdAt: "created_at" }'),
  renameAll: nameStyle
    .optional()
    .describe('A rule for the names of all top-level fields: snake_case, lower_case, or { replace, with }'),
  add: z
    .record(path, z.json())
    .optional()
    .describe(
      'Fields to add or to overwrite. A text may hold placeholders: {record.first_name} of the record, {parent.id} and {slice.from} of its slice',
    ),
  convert: z
    .record(path, z.enum(['text', 'number', 'boolean', 'json', 'time']))
    .optional()
    .describe(
      'Types of fields that come as text: number keeps all digits, boolean reads true/false, yes/no, 1/0, json parses, time reads what `incremental` reads. A record whose value is something else is kept among the rejects',
    ),
  flatten: z
    .union([z.literal(true).transform(() => flattenOptions.parse({})), flattenOptions], {
      error: 'write true, or { fields, separator, prefix, depth, lists, keep }',
    })
    .optional()
    .describe('Lifts the fields of objects beside those of the record, as in address_city'),
  expand: z
    .strictObject({
      field: path.describe('The list whose items take the place of the record'),
      carry: whatToCarry
        .default({})
        .describe(
          'Fields of the record that each item carries, by the name that they have there. Default: none',
        ),
      empty: z
        .enum(['drop', 'keep'])
        .default('drop')
        .describe('What becomes of a record whose list is empty or absent. Default drop'),
    })
    .optional()
    .describe('Makes a record of each item of a list'),
  hash: z
    .strictObject({
      fields: fieldOrFields.describe('The fields whose values are replaced'),
      key: secret
        .optional()
        .describe('Makes it an HMAC, which nobody can undo by trying values. Default: a plain hash'),
    })
    .optional()
    .describe('Replaces values by their SHA-256, in hex; equal values stay equal'),
  mask: z
    .strictObject({
      fields: fieldOrFields.describe('The fields whose values are replaced'),
      show: z.int().min(0).default(0).describe('How many of the last characters stay. Default 0'),
    })
    .optional()
    .describe('Replaces values by "***" and their last characters'),
  split: z
    .record(path, splitOptions)
    .optional()
    .describe(
      'Lists that go to tables of their own, by the path of the list. An item that is no object becomes { value: … }. Needs a `key`, unless records are only added',
    ),
  map: aFunction<MapRecord>('(record) => ({ ...record, total: record.net + record.tax })')
    .optional()
    .describe('A function of a TypeScript pipeline file: gives a record, a list of them, or nothing'),
})

const stepNames = Object.keys(stepFields.shape).filter((name) => name !== 'where')

const step = stepFields.superRefine((options, context) => {
  const given = stepNames.filter((name) => options[name as keyof typeof options] !== undefined)
  if (given.length !== 1) {
    context.addIssue({
      code: 'custom',
      input: options,
      message:
        given.length === 0
          ? `a step does one thing: name one of ${stepNames.join(', ')}`
          : `a step does one thing, and this one has ${given.join(' and ')}: write a step for each, in the order in which they are to be taken`,
    })
  }
  if (options.split !== undefined && options.where !== undefined) {
    context.addIssue({
      code: 'custom',
      path: ['where'],
      input: options.where,
      message: 'a list is split off for all records or for none: leave out `where`, or filter before',
    })
  }
})

export const transformOptions = z
  .array(step)
  .min(1, { error: 'name at least one step, or leave `transform` out' })
  .superRefine((steps, context) => {
    const first = steps.findIndex(({ split }) => split !== undefined)
    const late = first + 1
    if (first < 0 || late === steps.length) return
    context.addIssue({
      code: 'custom',
      path: [late],
      input: steps[late],
      message:
        steps[late]?.split === undefined
          ? 'a step behind `split` would change the record under the rows that were split off: put `split` last'
          : 'the lists of a record are split off together: write them all into one `split`',
    })
  })
  .describe(
    'What becomes of a record before it is stored, step by step. Pagination, `slices` and `incremental` see the records as the API sent them; `key`, `version` and the table see them as they are afterwards',
  )

export type TransformStep = z.output<typeof step>
export type TransformInput = z.input<typeof transformOptions>
