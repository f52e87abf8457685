// Values for options, from the JSON Schema that a pipeline's own options give: an option that is new is covered by itself.
import type { JsonSchema } from '../../src/options/json-schema.ts'
import type { Chance } from './chance.ts'
import { times, words } from './values.ts'

/** What a text is likely to be where the schema says no more than that it is one. */
const likelyTexts = [
  ...words,
  'data.items',
  'meta.next',
  '/items',
  'X-Next',
  '{parent.id}',
  '{slice.from}',
  '{slice.to}',
  '{slice.value}',
  '{cursor.value}',
  '{job.id}',
  'items/{parent.id}',
  'items/{slice.value}',
  'jobs/{job.id}',
  '$.items[*]',
  '$..node',
  '2024-01-01',
  '1000',
  '%Y-%m-%dT%H:%M:%S%z',
  '4xx',
  '500-599',
  'utf-16le',
  'ISO-8859-1',
  'https://api.test/token',
  'https://files.test',
  'query { items(first: 10, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }',
]

/** A reference to an environment variable. */
export const variable = (name: string) => `\${env:${name}}`

/** A credential that someone wrote into the config itself. */
export const literalSecret = 'wr1tten-S3CRET-9f2c71'

const byTitle: Readonly<Record<string, readonly unknown[]>> = {
  duration: ['0s', '1ms', '250ms', '30s', '5m', '1.5h', '1d', '2w', '52w', '400d'],
  size: ['1B', '10KB', '64KiB', '1MiB', '2GB'],
  address: ['https://api.test', 'https://api.test/v2/', 'https://api.test/v2?x=1', variable('BASE')],
  secret: [variable('SECRET_A'), variable('SECRET_B'), literalSecret],
  proxy: [
    'none',
    'http://proxy.test:3128',
    `http://me:${variable('SECRET_A')}@proxy.test:3128`,
    `http://${literalSecret}@proxy.test`,
  ],
  'text or secret': ['plain', '', variable('SECRET_C'), `token ${variable('SECRET_A')}`],
  'query value': ['plain', 1, true, variable('SECRET_B'), '{slice.from}', '{parent.id}'],
  condition: [
    "@.status == 'open'",
    '@.id > 1',
    '@.deleted == true',
    "search(@.name, '^a')",
    'count(@.*) > 2',
    '@.error',
    '!@.ok',
  ],
  path: [
    'id',
    'next',
    'meta.next',
    'data.items',
    'updated_at',
    'has_more',
    "['@odata.nextLink']",
    'items[-1].id',
    '$',
  ],
  'request place': ['after', 'page', 'since', 'until', { header: 'x-after' }, { body: 'page.after' }],
  'response place': ['next', 'meta.next', { header: 'x-next' }],
  'token place': ['next', { header: 'x-next' }, { url: 'links.next', param: 'after' }],
  'time zone': ['UTC', 'Europe/Berlin', 'America/St_Johns'],
  'request body': [{ query: 'all', page: 1 }, 'raw text', { since: '{slice.from}' }],
}

const names = ['id', 'data', 'items', 'table_a', 'x-api-key', 'content-type', 'since', 'a', 'b_c']

/** A value that the schema allows, as far as a JSON Schema can say so. */
export function valueFor(schema: JsonSchema, root: JsonSchema, chance: Chance, depth = 0): unknown {
  const known = schema.title === undefined ? undefined : byTitle[schema.title]
  // An address from a variable is no secret.
  if (known !== undefined && (schema.title === 'address' || schema.title === 'proxy' || chance.happens(0.9)))
    return chance.oneOf(known)
  if (schema.$ref !== undefined) {
    const inner = root.$defs?.[schema.$ref.replace('#/$defs/', '')]
    return inner === undefined || depth > 8 ? 'x' : valueFor(inner, root, chance, depth + 1)
  }
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return chance.oneOf(schema.enum)
  const options = schema.anyOf ?? schema.oneOf
  if (options !== undefined) return valueFor(chance.oneOf(options), root, chance, depth + 1)
  const type = typeof schema.type === 'string' ? schema.type : chance.oneOf(schema.type ?? ['string'])
  switch (type) {
    case 'object':
      return objectFor(schema, root, chance, depth)
    case 'array':
      return chance.list(0, depth > 6 ? 1 : 3, () => valueFor(schema.items ?? {}, root, chance, depth + 1))
    case 'integer':
    case 'number': {
      const least = Math.max(schema.minimum ?? 0, -1e6)
      const most = Math.min(schema.maximum ?? 1e9, 1e9)
      return chance.happens(0.7)
        ? chance.between(least, Math.min(most, least + 20))
        : chance.oneOf([least, most])
    }
    case 'boolean':
      return chance.happens(0.5)
    case 'null':
      return null
    default:
      return textFor(schema, chance)
  }
}

function textFor({ pattern }: JsonSchema, chance: Chance): string {
  const fitting = (list: readonly string[]) =>
    pattern === undefined ? list : list.filter((text) => new RegExp(pattern).test(text))
  const pool = chance.happens(0.15) ? fitting(times) : fitting(likelyTexts)
  return pool.length === 0 ? 'x' : chance.oneOf(pool)
}

/** By these an API knows the caller, or is found: they are options that take a secret, and are none. */
const identifiers = ['clientId', 'accessKeyId', 'username', 'keyId', 'issuer', 'subject', 'audience', 'url']

function objectFor(
  schema: JsonSchema,
  root: JsonSchema,
  chance: Chance,
  depth: number,
): Record<string, unknown> {
  const { properties = {}, required = [], additionalProperties } = schema
  const value: Record<string, unknown> = {}
  const share = depth > 5 ? 0.05 : chance.oneOf([0.05, 0.15, 0.4])
  for (const [name, inner] of Object.entries(properties)) {
    if (required.includes(name) || chance.happens(share))
      value[name] = identifiers.includes(name) ? 'identifier' : valueFor(inner, root, chance, depth + 1)
  }
  if (typeof additionalProperties === 'object') {
    for (const name of chance.list(0, 3, () => chance.oneOf(names)))
      value[name] = valueFor(additionalProperties, root, chance, depth + 1)
  }
  return value
}
