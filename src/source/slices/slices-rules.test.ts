import { describe, expect, test } from 'vitest'
import { parseOptions } from '../../options/parse-options.ts'
import { type RestOptions, restOptions } from '../rest-options.ts'

type StreamInput = RestOptions['streams'][string]

const list: StreamInput = { path: 'items', paginate: { type: 'none' }, key: 'id' }

function problem(streams: Record<string, StreamInput>): string {
  try {
    parseOptions(restOptions, { type: 'rest', baseUrl: 'https://api.test', streams: streams as never })
    return 'nothing is wrong'
  } catch (error) {
    return (error as Error).message
  }
}
const ofSlices = (slices: unknown, stream: Partial<StreamInput> = {}) =>
  problem({ parents: list, items: { ...list, ...stream, slices: slices as never } })

const windows = {
  by: 'time',
  size: '1d',
  start: '2026-01-01',
  from: { param: 'from', format: 'date' },
  to: { param: 'to', format: 'date', inclusive: true },
}
const countries = { by: 'list', name: 'country', values: ['de'] }
const byCountry = { query: { country: '{slice.country}' } }
const byParent = { path: 'parents/{parent.id}/items' }

describe('slicings that can’t work are refused, with what to write instead', () => {
  test.each<[string, unknown, Partial<StreamInput>, string]>([
    [
      'windows that are not innermost',
      [windows, countries],
      byCountry,
      'streams.items.slices[0].by: windows of time lie inside every other slicing, and there is one of them: put `by: time` last',
    ],
    [
      'a time zone for a fixed length',
      { ...windows, timeZone: 'Europe/Berlin' },
      {},
      'streams.items.slices.timeZone: a fixed length is on a grid in UTC: leave out `timeZone`, or write `size` as a length of the calendar, as in "1 day"',
    ],
    [
      'a window that is no whole number of the API’s steps',
      {
        ...windows,
        size: '90m',
        from: { param: 'from' },
        to: { param: 'to', inclusive: true, resolution: '1h' },
      },
      {},
      "streams.items.slices.size: the API's times have a step of 1h (`slices.to.resolution`), so a window must be a whole number of them",
    ],
    [
      'a window whose end nobody is told',
      { ...windows, to: { format: 'date', inclusive: true } },
      {},
      'streams.items.slices.to.param: nothing tells the API where a window ends: name the parameter, or write {slice.to} where the request has it',
    ],
    [
      'a total without a cap',
      { ...windows, total: 'total' },
      {},
      'streams.items.slices.total: `total` is compared with `cap`: add how many results the API gives at most, as in `cap: 1000`',
    ],
    [
      'values without a name',
      { by: 'list', values: ['de'] },
      byCountry,
      'streams.items.slices.name: say what a value is called, as in `name: country`, which makes it {slice.country}',
    ],
    [
      'objects with a name',
      { by: 'list', name: 'x', values: [{ country: 'de' }] },
      byCountry,
      'streams.items.slices.name: the fields of an object are called by their own names: leave `name` out',
    ],
    [
      'values of several kinds',
      { by: 'list', name: 'country', values: ['de', { country: 'fr' }] },
      byCountry,
      'streams.items.slices.values: the values must be of one kind: all single, or all objects with the same fields',
    ],
    [
      'a value that is there twice',
      { by: 'list', name: 'country', values: ['1', 1] },
      byCountry,
      'streams.items.slices.values[1]: 1 is in the list already, and would be read twice',
    ],
    [
      'a list that the request does not mention',
      countries,
      {},
      "streams.items.slices: each value would be asked for by the same request: say where it goes, as in `query: { country: '{slice.country}' }`",
    ],
    [
      'a field that the values have not',
      { ...countries, fields: ['land'] },
      byCountry,
      'streams.items.slices.fields: a value has no land; it has country',
    ],
    [
      // PEERS: dlt test_offline unused or mistyped resolve
      'a parent that the request does not mention',
      { by: 'parent', stream: 'parents' },
      {},
      'streams.items.slices: each record of the parent would be asked for by the same request: say where it goes, as in `path: projects/{parent.id}/issues`',
    ],
    [
      'no parent',
      { by: 'parent' },
      byParent,
      'streams.items.slices.stream: name the parent in `stream`, or several in `streams`: one of the two',
    ],
    [
      'two parents of one name',
      [
        { by: 'parent', stream: 'parents' },
        { by: 'parent', stream: 'parents' },
      ],
      byParent,
      'streams.items.slices[1].as: {parent.…} would mean two things: the slicing before is called so, too',
    ],
    [
      'a parent that is called as slices are',
      { by: 'parent', stream: 'parents', as: 'slice' },
      { path: '{slice.id}' },
      'streams.items.slices.as: {slice.…} is what lists and windows are called by: call the parent otherwise',
    ],
    [
      'two lists of one name',
      [countries, countries],
      byCountry,
      'streams.items.slices[1].name: {slice.country} would mean two things: the slicing before is called so, too',
    ],
    [
      'a field from two slicings',
      [
        { ...countries, fields: { name: 'country' } },
        { by: 'parent', stream: 'parents', fields: { name: 'name' } },
      ],
      { ...byParent, ...byCountry },
      'streams.items.slices[1].fields: two slicings would give a record its name: call one of them otherwise, as in `fields: { other_name: … }`',
    ],
    [
      'a placeholder that is misspelt',
      countries,
      { query: { country: '{slice.country}', land: '{slice.county}' } },
      'streams.items.query.land: {slice.county} stands for nothing: this stream has {slice.country}. If it is a text, write {{slice.county}}',
    ],
    [
      'a parent that is not there',
      { by: 'parent', stream: 'parent' },
      byParent,
      'streams.items.slices.stream: no stream of this source is named "parent"; did you mean parents? There are parents, items',
    ],
    [
      'a condition that is none',
      { by: 'parent', stream: 'parents', where: '@.a = 1' },
      byParent,
      'streams.items.slices.where: "@.a = 1" is no condition: unexpected filter selector token \'=\'; write one as RFC 9535 has it, as in "@.status == \'open\' && @.amount > 0", where @ is the record',
    ],
    [
      'a time zone that is none',
      { ...windows, size: '1 day', timeZone: 'Berlin' },
      {},
      'streams.items.slices.timeZone: "Berlin" is no time zone: write a name of the IANA database, as in "Europe/Berlin", or an offset, as in "+02:00"',
    ],
  ])('%s', (_, slices, stream, message) => {
    expect(ofSlices(slices, stream)).toBe(message)
  })

  test('a cap where the body is streamed', () => {
    const streamed: StreamInput = {
      path: 'items',
      format: 'jsonl',
      key: 'id',
      slices: { ...windows, cap: 10 } as never,
    }
    expect(problem({ streamed })).toBe(
      'streams.streamed.slices.cap: with `format: jsonl` a body is streamed, and its records are loaded before all are counted: leave out `cap`, and take a smaller `size`',
    )
  })

  // PEERS: dlt test_resolve_config cycle refused
  // PEERS: dlt parents in chains, cycles refused
  test('a stream that is its own ancestor', () => {
    const child = (stream: string): StreamInput => ({
      ...list,
      path: '{parent.id}',
      slices: { by: 'parent', stream },
    })
    expect(problem({ a: child('c'), b: child('a'), c: child('b') })).toBe(
      "streams.a.slices: the slices of a stream can't be its own: a → c → b → a. Read one of them without `by: parent`",
    )
    expect(problem({ a: child('a') })).toBe(
      "streams.a.slices: the slices of a stream can't be its own: a → a. Read one of them without `by: parent`",
    )
  })

  test('a parent that has nothing to name its records by', () => {
    const { key: _, ...keyless } = list
    expect(
      problem({
        parents: keyless,
        items: { ...list, ...byParent, slices: { by: 'parent', stream: 'parents' } },
      }),
    ).toBe(
      'streams.items.slices.key: parents has no `key` to name the slices by: give it one, or say here which of its fields do, as in `key: id`',
    )
  })

  test('one of several parents that is not there is named with its place', () => {
    const slices: StreamInput['slices'] = { by: 'parent', streams: ['parents', 'nobody'] }
    expect(problem({ parents: list, items: { ...list, ...byParent, slices } })).toBe(
      'streams.items.slices.streams[1]: no stream of this source is named "nobody"; there are parents, items',
    )
  })

  // PEERS: dlt test_resolve_config two children of one parent
  test('what works is taken: two children of one parent, and a parent that stands after its child', () => {
    const slices: StreamInput['slices'] = { by: 'parent', stream: 'parents' }
    const child = { ...list, ...byParent, slices }
    expect(problem({ one: child, two: { ...child, table: 'other' }, parents: list })).toBe('nothing is wrong')
  })
})

test.each([
  [
    { format: 'jsonl' },
    /^streams\.items\.slices\.stream: parents can't be a parent: its `format` streams its body, which would be held open/,
  ],
  [
    {
      job: {
        create: { path: 'jobs', id: 'id' },
        poll: { path: 'jobs/{job.id}', status: 'state', done: ['ok'], failed: ['no'] },
      },
    },
    /^streams\.items\.slices\.stream: parents can't be a parent: its records come from a `job`/,
  ],
])('a parent with %j is refused', (options, message) => {
  const parents = {
    ...list,
    path: 'job' in options ? '{job.id}' : 'parents',
    ...options,
    ...('format' in options && { paginate: undefined }),
  } as StreamInput
  const items: StreamInput = {
    ...list,
    path: 'items/{parent.id}',
    slices: { by: 'parent', stream: 'parents' },
  }
  expect(problem({ parents, items })).toMatch(message)
})

test('pages at once are refused for windows with a cap, whose results are counted page by page', () => {
  const paginate = { type: 'offset', total: 'total' } as const
  expect(ofSlices({ ...windows, cap: 100 }, { paginate, concurrency: { pages: 4 } })).toMatch(
    /^streams\.items\.concurrency\.pages: with a `cap` the results of a window are counted page by page: leave `pages` out/,
  )
})
