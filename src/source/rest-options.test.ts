import { expect, test } from 'vitest'
import { cursor } from '../pagination/cursor.ts'
import { none } from '../pagination/none.ts'
import { time } from '../pagination/time.ts'
import { rest } from './rest.ts'
import { type RestOptions, restOptions } from './rest-options.ts'
import { scriptedClient, streamOf, streamsOf } from './testing/scripted-client.ts'

type StreamInput = RestOptions['streams'][string]

const path = 'items'
const paginate = none()
const persistent = cursor({ token: 'next', param: 'cursor', more: 'has_more', persist: true })
const byTime = { by: 'time', field: 'updated_at', param: 'since', start: '2024-01-01' } as const
const byId = { by: 'id', field: 'id', param: 'since_id' } as const
const windows = {
  by: 'time',
  size: '1d',
  start: '2026-01-01',
  from: { param: 'from', format: 'date' },
  to: { param: 'to', format: 'date', inclusive: true },
} as const

/** Every problem of a stream's options, as `option: message`. */
function problemsOf(stream: StreamInput): string[] {
  const result = restOptions.safeParse({
    type: 'rest',
    baseUrl: 'https://api.test',
    streams: { items: stream },
  })
  return (result.error?.issues ?? []).map((issue) => `${issue.path.slice(2).join('.')}: ${issue.message}`)
}

// PEERS: dlt test_incremental dedup
// PEERS: Airbyte PredicateValidator
test.each<[string, StreamInput, string]>([
  [
    'merge without a key',
    { path, paginate, write: 'merge' },
    'key: `write: merge` replaces records by their key, and there is none. Name the field that tells one record from another, as in `key: id`',
  ],
  [
    'deletions without a key',
    { path, paginate, write: 'delete', table: 'items' },
    'key: `write: delete` removes rows by their key, and there is none. Name the field that tells one row from another, as in `key: id`',
  ],
  [
    'deletions of no table',
    { path, paginate, write: 'delete', key: 'id' },
    'table: `write: delete` removes rows of a table that another stream loads: name it, as in `table: desk_tickets`',
  ],
  [
    'deletions under a condition',
    { path, paginate, write: 'delete', key: 'id', table: 'items', deleted: '@.gone' },
    'deleted: with `write: delete` every record says that a row is gone: leave `deleted` out, and those that do not with `transform`',
  ],
  [
    'a list of keys under a condition',
    { path, paginate, write: 'reconcile', key: 'id', table: 'items', deleted: '@.gone' },
    'deleted: with `write: reconcile` the records name the rows that there are: leave those that are gone out with `transform`, as in `- filter: "@.status != \'deleted\'"`',
  ],
  [
    'deletions with a list',
    { path, paginate, write: 'delete', key: 'id', table: 'items', transform: [{ split: { tags: {} } }] },
    'transform: `write: delete` loads no rows, and so none of a list: leave `split` out. What belongs to a removed row goes along with it',
  ],
  [
    'a reconciliation by windows of time',
    {
      path,
      paginate,
      key: 'id',
      table: 'api_items',
      write: 'reconcile',
      slices: windows,
    },
    'slices: `write: reconcile` removes each row that the list does not name, and windows of time read only a part of it: leave `by: time` out',
  ],
  [
    'a list beside keys that only remove rows',
    {
      path,
      paginate,
      key: 'id',
      table: 'api_items',
      write: 'delete',
      sides: { users: { records: 'users', key: 'id' } },
    },
    'sides: `write: delete` loads no rows, and so none of a list beside the records: leave `sides` out',
  ],
  [
    'a list of keys that is read in part',
    { path, paginate, write: 'reconcile', key: 'id', table: 'items', incremental: byId },
    'incremental: `write: reconcile` removes each row that the list does not name, and `incremental` reads only a part of it: leave `incremental` out',
  ],
  [
    'a list of keys with a version',
    { path, paginate, write: 'reconcile', key: 'id', table: 'items', version: 'updated_at' },
    'version: `write: reconcile` compares keys alone: leave `version` out',
  ],
  [
    'a limit of what is removed, where only what the records name is',
    { path, paginate, write: 'delete', key: 'id', table: 'items', maxRemoved: '5%' },
    'maxRemoved: `maxRemoved` bounds what a list of all keys may remove, and this stream reads none: leave it out, or write `write: reconcile`',
  ],
  [
    'a limit of what is removed that is no share',
    { path, paginate, write: 'reconcile', key: 'id', table: 'items', maxRemoved: '5' },
    'maxRemoved: "5" is no share: write a number above 0 and up to 100 with a percent sign, as in "20%"',
  ],
  [
    'a whole list that is added with each run, unless it says so',
    {
      path: '{slice.team}/items',
      paginate,
      write: 'append',
      slices: { by: 'list', name: 'team', values: ['a', 'b'] },
    },
    'write: `write: append` would add every record again with each run: the list is read from its beginning each time, and without a key nothing tells what is there already. Name the field that does, as in `key: id`; read only what is new with `incremental`; have a new table take the place of the old one with `write: replace`; or, where each run is to add the whole list once more, say so with `snapshots: true`',
  ],
  [
    'snapshots in a table that is replaced',
    { path, paginate, snapshots: true },
    'snapshots: `snapshots` adds the whole list with each run, and this stream adds none: write `write: append`',
  ],
  [
    'snapshots whose records are known by their key',
    { path, paginate, key: 'id', write: 'append', snapshots: true },
    'snapshots: `snapshots` adds the whole list with each run, and a `key` leaves out what is there already: leave one of the two out',
  ],
  [
    'snapshots of what is new',
    { path, paginate, incremental: byId, write: 'append', snapshots: true },
    'snapshots: `snapshots` adds the whole list with each run, and `incremental` reads only what is new: leave one of the two out',
  ],
  [
    'a version without a key',
    { path, paginate, version: 'updated_at' },
    'key: `version` says which of two records with the same key is newer, and there is no key. Name the field that tells one record from another, as in `key: id`',
  ],
  [
    'incremental by time without a key',
    { path, paginate, write: 'append', incremental: byTime },
    'key: `incremental.by: time` reads the records at the high-water mark again, and without a key they would be there twice. Name the field that tells one record from another, as in `key: id`',
  ],
  [
    'an inclusive id without a key',
    { path, paginate, incremental: { ...byId, inclusive: true } },
    'key: `incremental.inclusive` reads records again, and without a key they would be there twice. Name the field that tells one record from another, as in `key: id`',
  ],
  [
    'a look-back by id without a key',
    { path, paginate, incremental: { ...byId, lookback: 10 } },
    'key: `incremental.lookback` reads records again, and without a key they would be there twice. Name the field that tells one record from another, as in `key: id`',
  ],
  [
    'slices without a key',
    { path, paginate, slices: windows },
    'key: `slices` read the newest windows again, and without a key their records would be there twice. Name the field that tells one record from another, as in `key: id`',
  ],
  [
    'pages by time without a key',
    { path, paginate: time({ param: 'since', field: 'at', size: { param: 'limit', value: 100 } }) },
    'key: `paginate.type: time` gives the records at the boundary of two pages twice, and nothing else tells that they are the same. Name the field that tells one record from another, as in `key: id`',
  ],
  [
    'JSON Lines without a key',
    { path, format: 'jsonl' },
    'key: `format: jsonl` commits parts of a body, which is read again from its start where it breaks off, and without a key its records would be there twice. Name the field that tells one record from another, as in `key: id`',
  ],
  [
    'incremental and slices together',
    { path, paginate, key: 'id', incremental: byTime, slices: windows },
    'slices: `slices` of time are incremental by themselves: leave out `incremental`, or leave out `slices`',
  ],
  [
    'replace and incremental together',
    { path, paginate, key: 'id', incremental: byTime, write: 'replace' },
    'write: `write: replace` swaps in a whole new table, and `incremental` reads only a part: leave out `incremental`, or write `merge` or `append`',
  ],
  [
    'a position that can persist and does not',
    {
      path,
      key: 'id',
      paginate: cursor({ token: 'next', param: 'cursor' }),
      incremental: { by: 'position' },
    },
    'paginate: `incremental.by: position` needs a position that outlives the run: set `persist: true` in `paginate`',
  ],
  [
    'a position that cannot persist',
    { path, key: 'id', paginate, incremental: { by: 'position' } },
    'paginate: `incremental.by: position` needs a position that outlives the run: set `persist: true` in `paginate`, with a paginator that has it (cursor, next-url, link-header, time, or custom with `resume`)',
  ],
  [
    'a position that persists for nobody',
    { path, key: 'id', paginate: persistent },
    'paginate.persist: `persist: true` keeps the position for the next run, which only `incremental: { by: position }` reads from: add it, or leave `persist` out',
  ],
  [
    'no word about pages',
    { path, key: 'id' },
    'paginate: say how the API hands out the list page by page, as in `paginate: { type: cursor, … }`, or `paginate: { type: none }` where one request reads it all',
  ],
  [
    'a GET with a body',
    { path, paginate, method: 'GET', body: { a: 1 } },
    'body: a GET request has no body: set `method: POST`, or use `query`',
  ],
  [
    'JSON Lines with a selector',
    { path, key: 'id', format: 'jsonl', records: 'items' },
    'records: with `format: jsonl` each line is a record, and there is no place "items" to look in: leave `records` out',
  ],
  [
    'JSON Lines with a paginator that looks into bodies',
    { path, key: 'id', format: 'jsonl', paginate: cursor({ token: 'next', param: 'cursor' }) },
    'paginate: with `format: jsonl` a body is streamed, and a paginator of type cursor would have to look into it: use none, link-header without `lastPage`, or cursor whose `token` is a header',
  ],
  [
    'a window of no length',
    { path, paginate, key: 'id', slices: { ...windows, size: '0s' } },
    'slices.size: a window has a length: write "1h" or "1d"',
  ],
  [
    'two bounds of one name',
    { path, paginate, key: 'id', slices: { ...windows, to: { ...windows.to, param: 'from' } } },
    'slices.to.param: the end of a window needs another parameter than its beginning',
  ],
])('%s is refused, and the message says what to do', (_, stream, message) => {
  expect(problemsOf(stream)).toEqual([message])
})

test('a window has to be a whole number of what its formats can say', () => {
  expect(problemsOf({ path, paginate, key: 'id', slices: { ...windows, size: '36h' } })).toEqual([
    'slices.size: `slices.from.format: date` can say whole days only, so a window must be a whole number of them',
    'slices.size: `slices.to.format: date` can say whole days only, so a window must be a whole number of them',
  ])
  const epoch = {
    ...windows,
    size: '1.5s',
    from: { param: 'a', format: 'epoch' },
    to: { param: 'b', inclusive: false },
  } as const
  expect(problemsOf({ path, paginate, key: 'id', slices: epoch })).toEqual([
    'slices.size: `slices.from.format: epoch` can say whole seconds only, so a window must be a whole number of them',
  ])
})

test.each<[string, StreamInput, string]>([
  [
    'an empty path',
    { path: '', paginate },
    'path: a stream needs the path that it is read from, as in "tickets"',
  ],
  [
    'a selector that is no path',
    { path, paginate, records: 'a[b' },
    'records: "a[b" is no path: write keys with dots, as in "data.items", JSONPath as RFC 9535 has it, as in "$.data[*].node", or \'\' for the body itself',
  ],
  [
    'a table that cannot be named so',
    { path, paginate, table: 'my table' },
    'table: "my table" can\'t name a table: use letters, digits and _, at most 63, and no digit first',
  ],
  [
    'an empty key',
    { path, paginate, key: '' },
    'key: name a field, as in "id", or several, as in ["account", "id"]',
  ],
  ['an empty list of keys', { path, paginate, key: [] }, 'key: name at least one field, or leave `key` out'],
  [
    'a version without a name',
    { path, paginate, key: 'id', version: '' },
    "version: a field's name can't be empty",
  ],
  [
    'a start that is no time',
    { path, paginate, key: 'id', incremental: { ...byTime, start: 'always' } },
    'incremental.start: "always" is no time: write an ISO date or time, as in "2024-01-31" or "2024-01-31T09:30:00Z", or how long before now, as in "30d"',
  ],
  [
    'a start that is no id',
    { path, paginate, incremental: { ...byId, start: 'abc' } },
    'incremental.start: an id is a whole number, or digits in a text',
  ],
])('%s is refused with the option and what is allowed', (_, stream, message) => {
  const issues = problemsOf(stream)
  expect(issues).toHaveLength(1)
  expect(issues[0]).toContain(message)
})

// PEERS: dlt resources
// PEERS: dlt resource.name
test('a source has streams with names that can name tables', () => {
  const issuesOf = (streams: RestOptions['streams']) =>
    restOptions
      .safeParse(rest({ baseUrl: 'https://api.test', streams }))
      .error?.issues.map((issue) => issue.message)
  expect(issuesOf({})).toEqual(['a source needs at least one stream'])
  expect(issuesOf({ items: { path, paginate } })).toBeUndefined()
  const issue = restOptions.safeParse(
    rest({ baseUrl: 'https://api.test', streams: { 'my items': { path, paginate } } }),
  ).error!.issues[0]!
  expect(JSON.stringify(issue)).toContain(
    "can't name a stream: use letters from a to z, digits and _, and begin with a letter, as in",
  )
})

// PEERS: dlt hint write_disposition
test.each<[string, StreamInput, string]>([
  ['merge with a key', { path, paginate, key: 'id' }, 'merge'],
  ['append without a key, where it is incremental', { path, paginate, incremental: byId }, 'append'],
  ['replace without a key, where it is read whole each time', { path, paginate }, 'replace'],
  ['what is written', { path, paginate, key: 'id', write: 'append' }, 'append'],
  ['append, as a snapshot with each run', { path, paginate, write: 'append', snapshots: true }, 'append'],
])('records are written by %s', (_, options, write) => {
  expect(
    streamOf(
      'api',
      'items',
      options,
      scriptedClient(() => ({ body: [] })),
    ).write,
  ).toBe(write)
})

test('R6: how much a list of all keys may remove is in percent of the rows', () => {
  const list = { path, paginate, key: 'id', table: 'items', write: 'reconcile' } as const
  const client = scriptedClient(() => ({ body: [] }))
  const streams = streamsOf('api', { some: { ...list, maxRemoved: '2.5%' }, usual: list }, client)
  expect(streams.some.maxRemovedPercent).toBe(2.5)
  expect('maxRemovedPercent' in streams.usual).toBe(false)
})

// PEERS: dlt hint table_name
test('what is left out has its default, and one key is a list of one', () => {
  const stream = streamOf(
    'api',
    'items',
    { path, paginate, key: 'id' },
    scriptedClient(() => ({ body: [] })),
  )
  expect(stream).toMatchObject({
    name: 'api.items',
    table: 'api_items',
    key: ['id'],
    allowEmptyReplace: false,
    onReject: 'keep',
  })
  expect('version' in stream).toBe(false)
  const given = streamOf(
    'api',
    'items',
    {
      path,
      paginate,
      key: ['a', 'b'],
      version: 'v',
      table: 'things',
      onReject: 'fail',
      allowEmptyReplace: true,
    },
    scriptedClient(() => ({ body: [] })),
  )
  expect(given).toMatchObject({
    table: 'things',
    key: ['a', 'b'],
    version: 'v',
    onReject: 'fail',
    allowEmptyReplace: true,
  })
})
