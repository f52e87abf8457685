// Which format a body has, by its content type and by its first bytes: what is said and what is sent often differ, and what is sent holds.
import { looksLikeHtml } from '../http/decode/errors.ts'

export type SampleFormat = 'json' | 'jsonl' | 'csv' | 'xml'

export type Sniffed =
  | { readonly format: SampleFormat; readonly delimiter?: string }
  | { readonly format: undefined; readonly what: string }

const delimiters = [',', ';', '\t', '|'] as const

export function sniffFormat(contentType: string, text: string): Sniffed {
  const start = text.replace(/^\ufeff/, '').trimStart()
  const type = contentType.toLowerCase()
  if (start === '') return { format: undefined, what: 'nothing' }
  if (looksLikeHtml(start)) return { format: undefined, what: 'a web page' }
  if (start.startsWith('%PDF-')) return { format: undefined, what: 'a PDF file' }
  if (start.startsWith('PK\u0003\u0004')) return { format: undefined, what: 'a zip archive' }
  if (start.startsWith('<')) return { format: 'xml' }
  if (/^[{[]/.test(start)) {
    // Two objects, one below the other. A single line may be either: its content type tells.
    if (/^\{[^\n]*\}\s*\n\s*\{/.test(start) || /ndjson|jsonl|json-?lines|json-seq/.test(type))
      return { format: 'jsonl' }
    return { format: 'json' }
  }
  const delimiter = delimiterOf(start)
  if (/\b(text\/csv|application\/csv|tab-separated)/.test(type)) return csv(delimiter ?? ',')
  if (delimiter !== undefined && !/json|xml|html/.test(type)) return csv(delimiter)
  return {
    format: undefined,
    what: `text that is no JSON, CSV or XML (content-type: ${contentType || 'none'})`,
  }
}

function csv(delimiter: string): Sniffed {
  return { format: 'csv', ...(delimiter !== ',' && { delimiter }) }
}

/** What is as often in the second line as in the first, quotes aside. */
function delimiterOf(text: string): string | undefined {
  const [header = '', row = ''] = text
    .split(/\r\n|\n|\r/, 2)
    .map((line) => line.replace(/"(?:[^"]|"")*"/g, ''))
  if (row === '') return undefined
  const counts = delimiters.map((delimiter) => ({
    delimiter,
    columns: header.split(delimiter).length,
    same: header.split(delimiter).length === row.split(delimiter).length,
  }))
  return counts
    .filter(({ columns, same }) => same && columns > 1)
    .toSorted((a, b) => b.columns - a.columns)[0]?.delimiter
}
