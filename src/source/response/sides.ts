// Lists that come beside a stream's records, each into a table of its own: users beside tickets, as in Zendesk's side-loading.
import { z } from 'zod'
import type { JsonRecord, Value } from '../../ports/json.ts'
import type { SideTable } from '../../ports/source.ts'
import { recordSelector } from './records-options.ts'
import { compileSelector, selectRecords } from './select.ts'

const fieldName = z.string().min(1, { error: "a field's name can't be empty" })

const side = z
  .strictObject({
    records: recordSelector.describe('Where the list is in the body: a path, or JSONPath'),
    key: z
      .union([fieldName.transform((field) => [field]), z.array(fieldName).min(1)], {
        error: 'name a field, as in "id", or several, as in ["account", "id"]',
      })
      .optional()
      .describe(
        'The field that tells one row from another, or several that do so together. Required with `write: merge`',
      ),
    table: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, {
        error: (issue) =>
          `${JSON.stringify(issue.input)} can't name a table: use letters, digits and _, at most 63, and no digit first`,
      })
      .optional()
      .describe(
        "The table that the list goes to. Default: the stream's table and the side, as in desk_tickets_users",
      ),
    write: z
      .enum(['append', 'merge'])
      .optional()
      .describe(
        'append: rows are added. merge: rows replace those with their key. Default: merge with a `key`, else append',
      ),
    required: z
      .boolean()
      .default(false)
      .describe('Whether a page without the list is an error. Default false: it brings none'),
  })
  .refine(({ write, key }) => write !== 'merge' || key !== undefined, {
    path: ['key'],
    error: '`write: merge` replaces rows by their key, and there is none: name it, as in `key: id`',
  })

const sideName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} can't name a side: use letters, digits and _, and no digit first`,
})

export const sidesOptions = z
  .record(sideName, side)
  .refine(
    (sides) => {
      const tables = Object.values(sides).flatMap(({ table }) => table?.toLowerCase() ?? [])
      return new Set(tables).size === tables.length
    },
    { error: 'two sides have the same `table`: give each its own' },
  )
  .describe(
    'Lists of the body beside the records, each loaded into a table of its own, in the commit of their page',
  )

export type SidesSettings = z.output<typeof sidesOptions>

/** The table of a side: the one that it names, or the stream's and itself. */
export function sideTableOf(
  streamTable: string,
  name: string,
  settings: { readonly table?: string | undefined },
): string {
  return settings.table ?? `${streamTable}_${name}`
}

export interface Sides {
  readonly tables: readonly SideTable[]
  /**
   * The rows of a page, by table. `undefined` where there are none.
   * @throws SelectorEmptyError where a list that is required is absent (R2), or something is there that can't be rows
   */
  select(
    body: Value,
    response: { readonly url: string; readonly status: number },
  ): ReadonlyMap<string, readonly JsonRecord[]> | undefined
}

export function compileSides(settings: SidesSettings, streamTable: string): Sides {
  const sides = Object.entries(settings).map(([name, each]) => ({
    table: sideTableOf(streamTable, name, each),
    key: each.key ?? [],
    write: each.write ?? (each.key === undefined ? ('append' as const) : ('merge' as const)),
    selector: compileSelector({
      path: each.records,
      optional: !each.required,
      side: name,
    }),
  }))
  return {
    tables: sides.map(({ table, key, write }) => ({ table, key, write })),
    select(body, response) {
      let rows: Map<string, JsonRecord[]> | undefined
      for (const { table, selector } of sides) {
        const { records } = selectRecords(body, selector, response)
        if (records.length === 0) continue
        rows ??= new Map()
        rows.set(table, records)
      }
      return rows
    },
  }
}
