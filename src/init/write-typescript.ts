import type { Json } from '../ports/json.ts'
import { commentText, type OptionDraft, type PipelineDraft, type StreamDraft } from './draft.ts'

/** The functions that stand for an object with a `type`, by that type. */
const paginators: Readonly<Record<string, string>> = {
  offset: 'offset',
  'page-number': 'pageNumber',
  cursor: 'cursor',
  'next-url': 'nextUrl',
  'link-header': 'linkHeader',
  keyset: 'keyset',
  none: 'none',
}
const credentials: Readonly<Record<string, string>> = {
  bearer: 'bearer',
  basic: 'basic',
  api_key: 'apiKey',
  oauth2: 'oauth2',
}

/** The draft as a TypeScript module. */
export function writeTypescript(draft: PipelineDraft): string {
  const imports = new Set(['definePipeline', 'duckdb', 'rest'])
  const write = literals(imports)
  const options = (indent: string, list: readonly OptionDraft[], off = '') =>
    list.flatMap(({ name, value, notes = [] }) => [
      ...comments(indent, notes),
      `${indent}${off}${keyOf(name)}: ${write(name, value)},`,
    ])
  const stream = ({ name, notes, options: own, suggestions = [], off }: StreamDraft) => {
    // What is commented out imports nothing.
    const kept = new Set(imports)
    const lines = [
      `        ${keyOf(name)}: {`,
      ...options('          ', own),
      ...literally(suggestions),
      '        },',
    ]
    if (off === undefined) return [...comments('        ', notes), ...lines]
    imports.clear()
    for (const name of kept) imports.add(name)
    const commented = lines.map((line) => `        // ${line.slice(8)}`)
    return [...comments('        ', notes), ...comments('        ', [`Left out: ${off}`]), ...commented]
  }
  const literally = (list: readonly OptionDraft[], indent = '          ') =>
    list.flatMap(({ name, value, notes = [] }) => [
      ...comments(indent, notes),
      `${indent}// ${keyOf(name)}: ${literal(value)},`,
    ])
  const body = [
    'export default definePipeline({',
    `  name: ${literal(draft.name)},`,
    "  destination: duckdb({ path: 'warehouse.duckdb' }),",
    '  sources: {',
    `    ${keyOf(draft.sourceName)}: rest({`,
    ...options('      ', draft.source),
    ...literally(draft.sourceSuggestions ?? [], '      '),
    '      streams: {',
    ...draft.streams.flatMap(stream),
    '      },',
    '    }),',
    '  },',
    '})',
  ]
  const names = [...imports].sort((a, b) => a.localeCompare(b)).join(', ')
  return `${[...comments('', draft.notes), `import { ${names} } from 'sluice'`, '', ...body].join('\n')}\n`
}

function literals(imports: Set<string>): (name: string, value: Json) => string {
  const used = (name: string) => {
    imports.add(name)
    return name
  }
  const write = (value: Json): string => {
    const variable = typeof value === 'string' ? /^\$\{env:(\w+)\}$/.exec(value)?.[1] : undefined
    if (variable !== undefined) return `${used('env')}(${literal(variable)})`
    return container(value, write)
  }
  return (name, value) => {
    const functions = name === 'paginate' ? paginators : name === 'auth' ? credentials : {}
    if (typeof value !== 'object' || value === null || !('type' in value)) return write(value)
    const { type, ...rest } = value as { readonly [key: string]: Json }
    const called = functions[String(type)]
    if (called === undefined) return write(value)
    return `${used(called)}(${Object.keys(rest).length === 0 ? '' : write(rest)})`
  }
}

function literal(value: Json): string {
  return container(value, literal)
}

function container(value: Json, write: (inner: Json) => string): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`
  const entries = Object.entries(value as { readonly [key: string]: Json })
  if (entries.length === 0) return '{}'
  return `{ ${entries.map(([key, inner]) => `${keyOf(key)}: ${write(inner)}`).join(', ')} }`
}

function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) && name !== '__proto__' ? name : quoted(name)
}

function quoted(text: string): string {
  const inner = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll("'", "\\'")
    .replace(/[\u2028\u2029]/g, (each) => `\\u${each.charCodeAt(0).toString(16)}`)
  return `'${inner}'`
}

function comments(indent: string, notes: readonly string[]): string[] {
  return notes.map((note) => `${indent}// ${commentText(note)}`)
}
