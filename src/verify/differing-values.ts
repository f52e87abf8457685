import { clip, clipMiddle } from '../observe/clip.ts'
import { absent, type FormOfContent, readContent } from './canonical.ts'

/** A value of a row that says something else than its record. */
export interface ValueDifference {
  /** As people write it. */
  readonly key: string
  readonly column: string
  /** Clipped to `SHOWN` characters; `null` where there is no value. */
  readonly api: string | null
  readonly table: string | null
}

const SHOWN = 80
const SHOWN_KEY = 120
const SHOWN_ROW = 200
/** Characters that stay before the first one that differs, where a value is cut. */
const LEAD = 20

/** A key as people write it: `3`, `eu, 7`, and `"3"` where it is a text that looks like a number. */
export function shownKey(key: string): string {
  return clipMiddle((JSON.parse(key) as string[]).map(shownForm).join(', '), SHOWN_KEY).toWellFormed()
}

/** A row's values by their columns, as far as a line goes. */
export function shownRow(columns: readonly string[], content: string): string {
  const values = valuesOf(columns, content).filter(({ form }) => form !== absent)
  const line = values.map(({ column, form }) => `${column}: ${shownForm(form)}`).join(', ')
  return clip(line || 'nothing', SHOWN_ROW).toWellFormed()
}

/** What differs between a record's content and its row's, by column. */
export function differingValues(
  key: string,
  columns: readonly string[],
  api: string,
  table: string,
): ValueDifference[] {
  const stored = valuesOf(columns, table)
  return valuesOf(columns, api).flatMap(({ column, form }, at) => {
    const other = stored[at]?.form ?? absent
    return form === other
      ? []
      : [{ key: shownKey(key), column, ...clipped(shownValue(form), shownValue(other)) }]
  })
}

function valuesOf(columns: readonly string[], content: string) {
  const { values, unknown }: FormOfContent = readContent(content)
  return [
    ...values.map((form, at) => ({ column: shownText(columns[at]!), form })),
    ...unknown.map(([field, form]) => ({ column: shownText(field), form })),
  ]
}

function shownValue(form: string): string | null {
  return form === absent ? null : shownForm(form)
}

/** Both values, each in at most `SHOWN` characters that hold the first one that differs. */
function clipped(api: string | null, table: string | null) {
  if (api === null || table === null) return { api: cut(api, 0), table: cut(table, 0) }
  let same = 0
  while (same < api.length && api[same] === table[same]) same++
  const from = Math.max(api.length, table.length) <= SHOWN ? 0 : Math.max(0, same - LEAD)
  return { api: cut(api, from), table: cut(table, from) }
}

function cut(text: string | null, from: number): string | null {
  if (text === null) return null
  return clip(from === 0 ? text : `…${text.slice(from)}`, SHOWN).toWellFormed()
}

function shownForm(form: string): string {
  // A value that the column can't hold.
  const value = form.startsWith('! ') ? form.slice(2) : form
  return value.startsWith('"') ? shownText(JSON.parse(value) as string) : escaped(value)
}

/** A text as it is where nothing else looks like it, else in quotes, as JSON has it. */
function shownText(text: string): string {
  const escapedText = escaped(JSON.stringify(text))
  const isPlain =
    escapedText === `"${text}"` &&
    /^[^\s[{…,](?:[^,]*[^\s,…])?$/.test(text) &&
    Number.isNaN(Number(text)) &&
    !/^(?:true|false|null|nothing)$/.test(text)
  return isPlain ? text : escapedText
}

/** JSON without characters that move a terminal's cursor, or that nobody sees. */
function escaped(json: string): string {
  return json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) =>
    found
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}
