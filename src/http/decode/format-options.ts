// What a stream's responses hold: `format: csv`, or an object where the format needs to be told more.
import { z } from 'zod'
import { isKnownCharset } from './charset.ts'

const encoding = z
  .string()
  .toLowerCase()
  .refine(isKnownCharset, {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is no charset that can be read: write one such as "utf-8", "windows-1252", "utf-16le" or "shift_jis"`,
  })
  .optional()
  .describe(
    'Charset of the body. Default: its byte order mark, else the charset of `content-type`, else utf-8',
  )

const entry = z
  .string()
  .min(1, { error: 'name the files of the archive, as in "*.csv", or leave `entry` out for all of them' })
  .optional()
  .describe(
    'Which files of a zip archive are read: a name in which * stands for any text, as in "data/*.csv". Default: all. A body is known for a zip archive by its first bytes',
  )

const oneCharacter = (what: string) =>
  z
    .string()
    .length(1, { error: (issue) => `${JSON.stringify(issue.input)} is no ${what}: write one character` })

const columnNames = z
  .array(z.string().min(1, { error: "a column's name can't be empty" }))
  .min(1, { error: 'name the columns, in their order' })
  .refine((names) => new Set(names).size === names.length, { error: 'two columns have the same name' })

const jsonFormat = z.strictObject({
  type: z.literal('json').describe('One document'),
  stream: z
    .boolean()
    .default(false)
    .describe(
      'Whether the records are taken from the document while it arrives, for one that is too long to be held whole. Default false',
    ),
  encoding,
  entry,
})
const jsonLinesFormat = z.strictObject({
  type: z.literal('jsonl').describe('One record a line, streamed'),
  encoding,
  entry,
})
const csvFormat = z
  .strictObject({
    type: z.literal('csv').describe('One record a row, streamed. Every value is text'),
    delimiter: z
      .string()
      .min(1)
      .refine((text) => !/["\r\n]/.test(text), {
        error: (issue) => `${JSON.stringify(issue.input)} can't be what separates values`,
      })
      .default(',')
      .describe('What separates two values of a row, as in ";" or "\\t". Default ","'),
    quote: z
      .union([oneCharacter('quote'), z.literal('')])
      .default('"')
      .describe(
        "What encloses a value that holds a delimiter or a line break; doubled inside. '' where the API quotes nothing, and a quote is a character like others. Default '\"'",
      ),
    header: z
      .union([z.literal(true), columnNames], {
        error:
          'write true where the first row names the columns, or name them yourself, as in ["id", "email"]',
      })
      .default(true)
      .describe(
        'true: the first row names the columns. A list: their names, where the body has no such row. Default true',
      ),
    skipLines: z
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .describe(
        'Lines before the header, or before the first row, that are left out: 0 to 10,000. Default 0',
      ),
    nullValues: z
      .array(z.string())
      .default([])
      .describe(
        'Values that mean null, as in ["", "NULL"], quoted or not. Default: none, and an empty value is empty text',
      ),
    encoding,
    entry,
  })
  .refine(({ delimiter, quote }) => !delimiter.includes(quote) || quote === '', {
    path: ['quote'],
    error: '`quote` and `delimiter` are the same',
  })
const xmlFormat = z.strictObject({
  type: z.literal('xml').describe('One XML document. Every value is text'),
  namespaces: z
    .enum(['keep', 'strip'])
    .default('keep')
    .describe(
      'keep: names are as they were sent, as in `soap:Body`. strip: without their prefix. Default keep',
    ),
  encoding,
  entry,
})

const formatObject = z.discriminatedUnion('type', [jsonFormat, jsonLinesFormat, csvFormat, xmlFormat])

/** The format of a stream's responses. */
export const responseFormat = z
  .union([
    z
      .enum(['json', 'jsonl', 'csv', 'xml'], {
        error: 'a format is json, jsonl, csv or xml, or an object such as { type: csv, delimiter: ";" }',
      })
      .transform((type): z.output<typeof formatObject> => formatObject.parse({ type })),
    formatObject,
  ])
  .describe(
    'json: one document. jsonl: one record a line, streamed. csv: one record a row, streamed, each value text. xml: one document, each value text. An object says more, as in { type: csv, delimiter: ";" }. Default json',
  )

export type ResponseFormat = z.output<typeof formatObject>
export type CsvFormat = z.output<typeof csvFormat>
export type XmlFormat = z.output<typeof xmlFormat>

/** Whether a body is handed on in parts while it arrives, and never whole in memory. */
export function isStreamed(format: ResponseFormat): boolean {
  return format.type === 'json' ? format.stream : format.type !== 'xml'
}

export function formatOf(format: z.input<typeof responseFormat>): ResponseFormat {
  return responseFormat.parse(format)
}
