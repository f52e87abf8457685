// The reference of every option, as Markdown, from the JSON Schema of a pipeline: what is declared once is documented once.
import { alternatives, type JsonSchema } from '../options/json-schema.ts'

/** A part of the reference: the options at one place of the schema, `*` standing for any name. */
interface Section {
  readonly title: string
  readonly at: readonly string[]
  /** Other places that take the same options. */
  readonly also?: readonly (readonly string[])[]
  /** Where the options are used, in the words of a user. */
  readonly intro: string
}

const source = ['sources', '*']
const stream = [...source, 'streams', '*']

const sections: readonly Section[] = [
  { title: 'Pipeline', at: [], intro: 'The whole file, or what `definePipeline({ … })` takes.' },
  {
    title: 'Destination',
    at: ['destination'],
    intro:
      '`destination`; in TypeScript `duckdb({ … })`, `postgres({ … })` or `files({ … })`, without `type`. More in [duckdb.md](duckdb.md), [postgres.md](postgres.md) and [files.md](files.md).',
  },
  {
    title: 'REST source',
    at: source,
    intro: '`sources.NAME`; in TypeScript `rest({ … })`, without `type`.',
  },
  {
    title: 'Stream',
    at: stream,
    also: [[...source, 'defaults']],
    intro:
      '`sources.NAME.streams.NAME`; `sources.NAME.defaults` takes the same options, but `path` and `table`. Requests are told of in [requests.md](requests.md).',
  },
  {
    title: 'Pagination',
    at: [...stream, 'paginate'],
    intro:
      '`paginate` of a stream; in TypeScript `cursor({ … })`, `offset({ … })` and so on, without `type`. Which kind an API needs: [pagination.md](pagination.md).',
  },
  {
    title: 'Formats',
    at: [...stream, 'format'],
    intro:
      '`format` of a stream: a name alone, or an object with `type` and the options of its kind. More in [responses.md](responses.md).',
  },
  {
    title: 'Side tables',
    at: [...stream, 'sides', '*'],
    intro: '`sides.NAME` of a stream. More in [responses.md](responses.md#lists-beside-the-records).',
  },
  {
    title: 'Incremental',
    at: [...stream, 'incremental'],
    intro: '`incremental` of a stream. Which kind when: [incremental.md](incremental.md).',
  },
  {
    title: 'Slices',
    at: [...stream, 'slices'],
    intro: '`slices` of a stream: one slicing, or a list of them. More in [slices.md](slices.md).',
  },
  {
    title: 'Transform',
    at: [...stream, 'transform'],
    intro:
      'Each step of `transform` of a stream; a step has one of these options, and `where` beside it. More in [transform.md](transform.md).',
  },
  {
    title: 'Split lists',
    at: [...stream, 'transform', 'split', '*'],
    intro: 'Each list of a `split` step, by its path.',
  },
  {
    title: 'Credentials',
    at: [...source, 'auth'],
    also: [[...stream, 'auth']],
    intro:
      '`auth` of a source, or of a stream in its place; in TypeScript `bearer({ … })`, `basic({ … })`, `apiKey({ … })`, `oauth2({ … })` and so on, without `type`. More in [auth.md](auth.md).',
  },
  {
    title: 'Quotas',
    at: [...source, 'quotas'],
    also: [[...stream, 'quotas']],
    intro: 'Each entry of `quotas`, of a source or of a stream.',
  },
  {
    title: 'Responses',
    at: [...source, 'responses'],
    also: [[...stream, 'responses']],
    intro:
      'Each entry of `responses`, of a source or of a stream. More in [limits-and-failures.md](limits-and-failures.md#responses-that-mean-something-else).',
  },
  {
    title: 'Jobs',
    at: [...stream, 'job'],
    intro: '`job` of a stream. More in [jobs.md](jobs.md).',
  },
  { title: 'Retries', at: [...source, 'retry'], intro: '`retry` of a source.' },
  { title: 'Circuit breaker', at: [...source, 'breaker'], intro: '`breaker` of a source.' },
  { title: 'Timeouts', at: [...source, 'timeouts'], intro: '`timeouts` of a source.' },
  { title: 'Limits', at: [...source, 'limits'], intro: '`limits` of a source.' },
]

/** How the values are written that many options share, by the title that their schemas carry. */
const valueKinds: Readonly<Record<string, string>> = {
  condition:
    'A filter expression of JSONPath (RFC 9535), `@` being the record or the body: `"@.status == \'open\' && @.amount > 0"`.',
  function: 'A function, in a TypeScript pipeline alone.',
  'time zone': 'A name of the IANA database, `"Europe/Berlin"`, or an offset, `"+02:00"`.',
  duration: 'A number and a unit, `ms`, `s`, `m`, `h`, `d` or `w`: `"250ms"`, `"1.5h"`.',
  percentage: 'A share above 0 and up to 100, with a percent sign: `"20%"`.',
  size: 'A number and a unit, `B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`: `"64MiB"`.',
  secret: `\`env('NAME')\` in TypeScript, \`\${env:NAME}\` in YAML; looked up when the run needs it, and shown as \`***\`. A literal text is taken, too.`,
  'text or secret': `A text, which may be empty; or a secret, \`env('NAME')\` in TypeScript, \`\${env:NAME}\` in YAML, also inside a text. A secret is looked up when the run needs it, sent to the API alone, and shown as \`***\`.`,
  proxy: `The address of an HTTP proxy, as in \`"http://proxy.example.com:3128"\`, with a user and a password before the host where it wants them; a [secret](#secret) that holds one, or has one inside; or \`none\`.`,
  'JSON with secrets':
    'Any JSON. Its texts may be secrets, or have one inside; they are looked up when the run needs them, and shown as `***`.',
  address: `An \`http://\` or \`https://\` URL, or \`env('NAME')\`; in YAML also with \`\${env:NAME}\` inside.`,
  path: 'Keys with dots, indexes in brackets, keys that hold dots or brackets quoted: `"meta.after_cursor"`, `"data[-1].id"`, `"[\'@odata.nextLink\']"`.',
  'query value':
    'A text, a number, `true` or `false`; a list, which repeats the name; an object, which makes bracketed names (`page: { size: 10 }` is `page[size]=10`); null, which takes the parameter away. A text may be a secret, and may hold placeholders.',
  'request body': 'Any JSON value. Each text in it may be a secret, and may hold placeholders.',
  'request place':
    'A query parameter (`"cursor"`), a header (`{ header: "x-cursor" }`) or a field of the JSON body (`{ body: "page.after" }`).',
  'token place':
    'A path of the body (`"meta.next"`), a header (`{ header: "x-next" }`), or a parameter of a URL that stands there (`{ url: "links.next", param: "cursor" }`).',
  'response place': 'A path of the body (`"meta.next"`), or a header (`{ header: "x-next" }`).',
}

/** One option as the reference lists it. */
export interface ReferenceOption {
  /** The whole path, `*` standing for any name: `sources.*.retry.maxAttempts`. */
  readonly path: string
  readonly type: string
  readonly required: boolean
  /** The option that it is a part of, where that one may be left out: required if it is there. */
  readonly within?: string
  /** As it is written in a pipeline; `undefined` where there is none. */
  readonly default: unknown
  /** Empty where there is none. */
  readonly description: string
}

/** Every option of a pipeline, in the order of the reference. */
export function referenceOptions(schema: JsonSchema): ReferenceOption[] {
  return sections.flatMap((section) => tablesOf(section, schema).flatMap((table) => table.options))
}

/** The reference page. */
export function referencePage(schema: JsonSchema): string {
  const contents = sections.map(({ title }) => `[${title}](#${anchorOf(title)})`)
  const parts = [
    '# Reference',
    '<!-- Written by `npm run docs` from the option schemas; edit those. -->',
    'Every option of a pipeline. The same as a JSON Schema, for editors: [sluice.schema.json](sluice.schema.json), which `sluice schema` prints, too.',
    `${contents.join(' · ')} · [Kinds of values](#kinds-of-values)`,
    ...sections.flatMap((section) => [
      `## ${section.title}`,
      section.intro,
      ...tablesOf(section, schema).flatMap(renderTable),
    ]),
    '## Kinds of values',
    ...Object.entries(valueKinds).flatMap(([kind, text]) => [`### ${capital(kind)}`, text]),
  ]
  return `${parts.join('\n\n')}\n`
}

interface Table {
  /** Absent where the section has one table only. */
  readonly heading?: string
  readonly description: string
  readonly options: readonly ReferenceOption[]
}

function tablesOf(section: Section, root: JsonSchema): Table[] {
  const found = descend(root, section.at)
  const schema = found.items ?? found
  const description = found.description ?? ''
  // Where an option takes one or a list of the same, the one says it all.
  const kinds = objectKinds(schema).filter((kind, _, all) => kind.type !== 'array' || all.length === 1)
  const path = section.at.join('.')
  const single = kinds.length === 1
  return kinds.map((kind) => ({
    ...(single ? {} : { heading: headingOf(kind) }),
    description: single ? description : (kind.description ?? ''),
    options: optionsOf(kind, path, ''),
  }))
}

/** The kinds of object that a union offers, told apart by a constant, or the object itself. */
function objectKinds(schema: JsonSchema): readonly JsonSchema[] {
  return alternatives(schema).flatMap((kind) => (kind.anyOf || kind.oneOf ? objectKinds(kind) : [kind]))
}

function headingOf(kind: JsonSchema): string {
  for (const [name, property] of Object.entries(kind.properties ?? {})) {
    if (property.const !== undefined) return `\`${name}: ${property.const}\``
  }
  return (kind.required ?? []).map((name) => `\`${name}\``).join(' and ')
}

function optionsOf(schema: JsonSchema, base: string, prefix: string, within?: string): ReferenceOption[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = [base, `${prefix}${name}`].filter((part) => part !== '').join('.')
    const option: ReferenceOption = {
      path,
      type: typeOf(property, path),
      required: schema.required?.includes(name) ?? false,
      default: property.default,
      description: property.description ?? '',
      ...(within !== undefined && { within }),
    }
    const outer = option.required ? within : `${prefix}${name}`
    return [option, ...innerOptions(property, path, base, `${prefix}${name}.`, outer)]
  })
}

/** The options of an object inside an option, where they have no section of their own. */
function innerOptions(
  schema: JsonSchema,
  path: string,
  base: string,
  prefix: string,
  within: string | undefined,
): ReferenceOption[] {
  if (schema.title !== undefined || sectionAt(path) !== undefined) return []
  return objectKinds(schema)
    .filter((kind) => kind.properties !== undefined)
    .flatMap((kind) => optionsOf(kind, base, prefix, within))
}

function sectionAt(path: string): Section | undefined {
  const inside = (at: readonly string[]) => at.join('.') === path || at.join('.') === `${path}.*`
  return sections.find(({ at, also = [] }) => at.length > 0 && (inside(at) || also.some(inside)))
}

function typeOf(schema: JsonSchema, path: string): string {
  const section = sectionAt(path)
  if (section !== undefined) {
    const plural = schema.type === 'array' ? 'list of ' : schema.additionalProperties ? 'by name, ' : ''
    return `${plural}[${section.title}](#${anchorOf(section.title)})`
  }
  return plainType(schema)
}

function plainType(schema: JsonSchema): string {
  if (schema.title !== undefined) return `[${schema.title}](#${anchorOf(schema.title)})`
  if (schema.const !== undefined) return code(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ')
  if (schema.anyOf !== undefined || schema.oneOf !== undefined) {
    return [...new Set(alternatives(schema).map(plainType))].join(' or ')
  }
  if (schema.type === 'array') return `list of ${plainType(schema.items ?? {})}`
  if (schema.type === 'object') {
    if (typeof schema.additionalProperties !== 'object') return 'object'
    return `by name, ${plainType(schema.additionalProperties)}`
  }
  if (Array.isArray(schema.type)) return schema.type.map((type) => plainType({ type })).join(' or ')
  if (schema.type === 'integer' || schema.type === 'number') return `${numberWord(schema)}${boundsOf(schema)}`
  if (schema.type === 'string') return 'text'
  return schema.type === undefined ? 'JSON' : String(schema.type)
}

function numberWord(schema: JsonSchema): string {
  return schema.type === 'integer' ? 'whole number' : 'number'
}

function boundsOf({ minimum, maximum }: JsonSchema): string {
  // Every integer's schema names the bounds of a double, which say nothing of the option.
  const least = minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? undefined : minimum
  const most = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum
  if (least !== undefined && most !== undefined) return `, ${count(least)} to ${count(most)}`
  if (least !== undefined) return `, ${count(least)} or more`
  return most === undefined ? '' : `, up to ${count(most)}`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function descend(root: JsonSchema, path: readonly string[]): JsonSchema {
  let schema = root
  for (const key of path) {
    // An entry of a list is where the list is.
    const next = alternatives(schema)
      .flatMap((kind) => (kind.items === undefined ? [kind] : [kind, ...alternatives(kind.items)]))
      .map((kind) => (key === '*' ? kind.additionalProperties : kind.properties?.[key]))
      .find((found) => typeof found === 'object')
    if (typeof next !== 'object') throw new Error(`the schema has no ${path.join('.')}: ${key} is missing`)
    schema = next
  }
  return schema
}

function renderTable({ heading, description, options }: Table): string[] {
  const rows = options.map((option) => {
    const { condition, meaning } = conditionOf(option.description)
    const shown = option.required
      ? `required${option.within === undefined ? '' : ` in \`${option.within}\``}`
      : condition !== undefined
        ? `required ${condition}`
        : option.default === undefined || isEmptyObject(option.default)
          ? ''
          : code(option.default)
    return `| \`${nameIn(option, options)}\` | ${cell(option.type)} | ${cell(shown)} | ${cell(meaning)} |`
  })
  const table = ['| option | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
  return [heading === undefined ? '' : `### ${heading}`, sentence(description), table].filter(
    (part) => part !== '',
  )
}

/** What a schema can't say of one option alone is the first sentence of its description: `Required with …`. */
function conditionOf(description: string): { readonly condition?: string; readonly meaning: string } {
  const match = /^Required (.+?)\. (.*)$/s.exec(description)
  return match === null ? { meaning: description } : { condition: match[1]!, meaning: match[2]! }
}

/** An option's name below its section: the paths of one table have the section's in common. */
function nameIn(option: ReferenceOption, options: readonly ReferenceOption[]): string {
  const base = options[0]!.path.slice(0, options[0]!.path.lastIndexOf('.') + 1)
  return option.path.slice(base.length)
}

function isEmptyObject(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  )
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function sentence(text: string): string {
  return text === '' || /[.!?]$/.test(text) ? text : `${text}.`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The anchor that a heading gets from renderers of Markdown. */
function anchorOf(title: string): string {
  return title.toLowerCase().replaceAll(' ', '-')
}
