import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { definePipeline } from '../../config/pipeline.ts'
import { type PipelineDraft, pipelineOf, valuesOf } from '../draft.ts'
import { loadable } from '../loadable.ts'
import { type ApiDocument, looksLikeOpenApi, parseApiDocument } from './document.ts'
import { type DraftOpenApiOptions, draftOpenApi, listNames } from './draft-openapi.ts'

/** As YAML spells it. */
const variable = (name: string) => `\${env:${name}}`
const textOf = (name: string) =>
  readFileSync(new URL(`../../../test/openapi/${name}`, import.meta.url), 'utf8')
const documentOf = (name: string): ApiDocument => parseApiDocument(textOf(name), name)

function draftOf(name: string, options: Partial<DraftOpenApiOptions> = {}): PipelineDraft {
  return loadable(draftOpenApi(documentOf(name), { place: name, ...options }))
}

function streamOf(draft: PipelineDraft, name: string) {
  const stream = draft.streams.find((each) => each.name === name)
  if (stream === undefined)
    throw new Error(`no stream ${name} among ${draft.streams.map((each) => each.name)}`)
  return {
    ...stream,
    values: valuesOf(stream.options),
    said: stream.options.flatMap(({ notes = [] }) => notes),
  }
}

/** A document of one list at `/things`. */
function documentWith(operation: object, more: object = {}): ApiDocument {
  return parseApiDocument(
    JSON.stringify({
      openapi: '3.0.0',
      info: { title: 'One' },
      servers: [{ url: 'https://one.example.com' }],
      paths: { '/things': { get: operation } },
      ...more,
    }),
    'one.json',
  )
}

const answer = (schema: object, more: object = {}) => ({
  responses: { 200: { description: '', content: { 'application/json': { schema } }, ...more } },
})
const things = {
  type: 'array',
  items: { type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string' } } },
}

function paginateOf(operation: object): unknown {
  const draft = draftOpenApi(documentWith(operation), { place: 'one.json' })
  return valuesOf(draft.streams[0]!.options)['paginate']
}

test.each(['clinic.yaml', 'helpdesk.yaml', 'billing.json', 'forge.json'])(
  'what is drafted of %s loads as a pipeline',
  (name) => {
    expect(looksLikeOpenApi(textOf(name))).toBe(true)
    const draft = draftOf(name)
    const loaded = definePipeline(pipelineOf(draft) as never)
    const streams = Object.keys(Object.values(loaded.sources)[0]!.streams)
    expect(streams).toEqual(
      draft.streams.filter(({ off }) => off === undefined).map(({ name: each }) => each),
    )
  },
)

describe('a document in the manners of the pet store', () => {
  test('lists become streams; what names one record, a deprecated list and other methods do not', () => {
    expect(listNames(documentOf('clinic.yaml')).map(({ name }) => name)).toEqual([
      'owners',
      'pets',
      'visits',
      'find_by_status',
      'lines',
      'stock',
    ])
  })

  test('page parameters, the size that the API allows, and the count of pages in the answer are put together', () => {
    expect(streamOf(draftOf('clinic.yaml'), 'owners').values).toEqual({
      path: 'owners',
      records: 'owners',
      paginate: {
        type: 'page-number',
        param: 'page',
        totalPages: 'total_pages',
        size: { param: 'per_page', value: 50 },
      },
      key: 'id',
    })
  })

  test('a list below a record is read for each record of its list, and keys are carried down several levels', () => {
    const draft = draftOf('clinic.yaml')
    expect(streamOf(draft, 'pets').values).toMatchObject({
      path: 'owners/{parent.id}/pets',
      slices: { by: 'parent', stream: 'owners', fields: { owner_id: 'id' } },
    })
    expect(streamOf(draft, 'visits').values).toMatchObject({
      path: 'owners/{parent.owner_id}/pets/{parent.id}/visits',
      key: 'visit_id',
      slices: { by: 'parent', stream: 'pets', fields: { pet_id: 'id', owner_id: 'owner_id' } },
    })
  })

  test('a required parameter with a few values is a slice for each', () => {
    expect(streamOf(draftOf('clinic.yaml'), 'find_by_status').values).toMatchObject({
      query: { status: '{slice.status}' },
      slices: { by: 'list', name: 'status', values: ['available', 'pending', 'sold'] },
    })
  })

  test('what only the user can know leaves a stream out, and says why', () => {
    const draft = draftOf('clinic.yaml')
    expect(streamOf(draft, 'lines').off).toBe(
      'no list of this document gives the values of {year}: read it with `slices: { by: list, … }`, or put the value into the path',
    )
    expect(streamOf(draft, 'stock').off).toBe(
      'it needs warehouse, which only you can know: put the value in place of CHECK',
    )
  })

  test('a child is left out where its parent was not chosen', () => {
    const draft = draftOf('clinic.yaml', { only: ['owners', 'visits'] })
    expect(streamOf(draft, 'owners').off).toBeUndefined()
    expect(streamOf(draft, 'visits').off).toContain('no list of this document gives the values of {petId}')
  })

  test('streams are chosen by name, tag or path', () => {
    const namesOf = (...only: string[]) => draftOf('clinic.yaml', { only }).streams.map(({ name }) => name)
    expect(namesOf('OWNERS', '/pets/findByStatus')).toEqual(['owners', 'find_by_status'])
    expect(() => namesOf('cats')).toThrow(
      '--only: "cats" is no stream, tag or path of a list in clinic.yaml: there are owners, pets, visits, find_by_status, lines, stock',
    )
  })

  test('the base URL takes the defaults of the server, the key its header; values stay in variables', () => {
    expect(valuesOf(draftOf('clinic.yaml').source)).toEqual({
      baseUrl: 'https://clinic.example.com/v2',
      auth: { type: 'api_key', name: 'X-Clinic-Key', key: variable('CLINIC_API_KEY') },
    })
  })
})

test('in the manners of Zendesk: links, the page size in brackets, a filter by time, an address that the document leaves out', () => {
  const draft = draftOf('helpdesk.yaml')
  expect(valuesOf(draft.source)).toEqual({
    baseUrl: `${variable('HELPDESK_URL')}/api/v2`,
    auth: { type: 'bearer', token: variable('HELPDESK_TOKEN') },
  })
  expect(streamOf(draft, 'tickets').values).toEqual({
    path: 'tickets',
    records: 'tickets',
    paginate: {
      type: 'next-url',
      url: 'links.next',
      more: 'meta.has_more',
      size: { param: 'page[size]', value: 100 },
    },
    key: 'id',
    incremental: { by: 'time', field: 'updated_at', param: 'updated_since', start: '2000-01-01' },
  })
  expect(streamOf(draft, 'search').values).toMatchObject({
    query: { query: 'type:ticket {{open}}' },
    paginate: { type: 'cursor', token: 'meta.next', param: 'cursor', more: 'meta.has_more' },
  })
})

test('the address of the document is what a relative server goes below', () => {
  const draft = draftOf('helpdesk.yaml', { address: 'https://acme.helpdesk.example.com/docs/openapi.yaml' })
  expect(valuesOf(draft.source)['baseUrl']).toBe('https://acme.helpdesk.example.com/api/v2')
})

test('in the manners of Stripe: the id of the last record leads on, and a required header takes its only value', () => {
  const draft = draftOf('billing.json')
  expect(streamOf(draft, 'charges').values).toEqual({
    path: 'v1/charges',
    headers: { 'Billing-Version': '2024-06-01' },
    records: 'data',
    paginate: {
      type: 'keyset',
      param: 'starting_after',
      more: 'has_more',
      size: { param: 'limit', value: 100 },
    },
    key: 'id',
  })
  expect(draft.streams).toHaveLength(1)
  expect(valuesOf(draft.source)['auth']).toEqual({
    type: 'basic',
    username: variable('BILLING_USERNAME'),
    password: variable('BILLING_PASSWORD'),
  })
})

test('in the manners of GitHub, as Swagger 2.0: a Link header, a parent, and references that end nowhere', () => {
  const draft = draftOf('forge.json')
  expect(draft.streams.map(({ name }) => name)).toEqual(['repos', 'issues'])
  expect(streamOf(draft, 'repos').values['paginate']).toEqual({
    type: 'link-header',
    size: { param: 'per_page', value: 100 },
  })
  expect(streamOf(draft, 'issues').values).toMatchObject({
    paginate: { type: 'offset', param: 'offset' },
    incremental: { field: 'updated_at', param: 'since' },
  })
  expect(streamOf(draft, 'issues').said).toContain('CHECK {repo} is taken to be its id')
  expect(valuesOf(draft.source)['auth']).toMatchObject({
    grant: 'authorization_code',
    tokenUrl: 'https://forge.example.com/token',
  })
})

describe('pagination of a document', () => {
  const query = (...names: string[]) => ({
    parameters: names.map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
  })
  const envelope = (properties: object) => ({ type: 'object', properties: { items: things, ...properties } })

  test.each([
    [
      'offset and total',
      { ...query('skip', 'limit'), ...answer(envelope({ total: { type: 'integer' } })) },
      { type: 'offset', param: 'skip' },
    ],
    [
      'a token of another name than its parameter',
      { ...query('page_token'), ...answer(envelope({ next_page_token: { type: 'string' } })) },
      { type: 'cursor', token: 'next_page_token', param: 'page_token' },
    ],
    [
      'a URL',
      answer(envelope({ next: { type: 'string', format: 'uri', nullable: true } })),
      { type: 'next-url', url: 'next' },
    ],
    [
      'pages from zero',
      {
        parameters: [{ name: 'page', in: 'query', schema: { type: 'integer', default: 0 } }],
        ...answer(things),
      },
      { type: 'page-number', param: 'page', first: 0 },
    ],
    ['nothing', answer(things), { type: 'none' }],
  ])('%s', (_, operation, paginate) => {
    expect(paginateOf(operation)).toEqual(paginate)
  })

  test('a token that nothing in the answer gives is left to the user, who is told so', () => {
    const draft = draftOpenApi(documentWith({ ...query('cursor'), ...answer(things) }), { place: 'one.json' })
    expect(streamOf(draft, 'things').said).toContain(
      'CHECK pagination: the parameter cursor takes a token, and nothing in the schema of the answer is known for one. Say where it is: { type: cursor, token: PATH, param: cursor }',
    )
  })
})

test('a schema that contains itself, and one that is composed of itself, come to an end', () => {
  const schemas = {
    Node: {
      type: 'object',
      properties: {
        id: { type: 'integer' },
        children: { type: 'array', items: { $ref: '#/components/schemas/Node' } },
        up: { $ref: '#/components/schemas/Node' },
      },
    },
    Self: {
      allOf: [
        { $ref: '#/components/schemas/Self' },
        { type: 'object', properties: { id: { type: 'string' } } },
      ],
    },
  }
  for (const name of ['Node', 'Self']) {
    const items = { $ref: `#/components/schemas/${name}` }
    const document = documentWith(answer({ type: 'array', items }), { components: { schemas } })
    expect(valuesOf(draftOpenApi(document, { place: 'one.json' }).streams[0]!.options)).toMatchObject({
      key: 'id',
    })
  }
})

test('a wide and deep document takes no longer than it has fields', () => {
  const count = 400
  const schemas = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `S${index}`,
      {
        allOf: [1, 2, 3].map((step) => ({ $ref: `#/components/schemas/S${(index * 7 + step) % count}` })),
        properties: Object.fromEntries(
          Array.from({ length: 30 }, (_, field) => [
            `f${field}`,
            { $ref: `#/components/schemas/S${(index + field) % count}` },
          ]),
        ),
      },
    ]),
  )
  const schema = {
    type: 'object',
    properties: {
      data: { type: 'array', items: { $ref: '#/components/schemas/S1' } },
      extra: { $ref: '#/components/schemas/S2' },
    },
  }
  const draft = draftOpenApi(documentWith(answer(schema), { components: { schemas } }), { place: 'one.json' })
  expect(streamOf(draft, 'things').values['records']).toBe('data')
})

test('the messages of documents that can not be used say what they are', () => {
  const parse = (text: string) => () => parseApiDocument(text, 'api.yaml')
  expect(parse('openapi: 4.0.0')).toThrow(
    'api.yaml is no OpenAPI document of version 3.0, 3.1 or 2.0 (Swagger): its `openapi` is "4.0.0"',
  )
  expect(parse('openapi: 3.0.0')).toThrow('api.yaml has no `paths`: there is nothing to read')
  expect(parse('openapi: [')).toThrow("api.yaml can't be read: ")
  expect(parse('{"openapi":')).toThrow("api.yaml can't be read: ")
  expect(parse('just text')).toThrow('api.yaml holds no object')
  const none = documentWith(
    answer({
      type: 'object',
      properties: { id: { type: 'string' }, tags: { type: 'array', items: { type: 'string' } } },
    }),
  )
  expect(() => draftOpenApi(none, { place: 'api.yaml' })).toThrow(
    'api.yaml has no GET operation whose answer is a list, as far as its schemas tell: give init the address of a list instead',
  )
  const off = documentWith({
    parameters: [{ name: 'account', in: 'query', required: true, schema: { type: 'string' } }],
    ...answer(things),
  })
  expect(() => loadable(draftOpenApi(off, { place: 'api.yaml' }))).toThrow(
    'no stream is left that could be run: things: it needs account, which only you can know: put the value in place of CHECK',
  )
})
