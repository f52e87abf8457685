import { isStreamed } from '../http/decode/format-options.ts'
import { outlivesRun, paginationProblems } from '../pagination/option-rules.ts'
import type { Json } from '../ports/json.ts'
import { concurrencyProblems } from './concurrency-options.ts'
import { jobProblems } from './job/job-rules.ts'
import { overwrittenByPages } from './overwritten.ts'
import { overlapProblems } from './pages/overlap-rules.ts'
import { quotaProblems } from './quota-rules.ts'
import { reactionProblems } from './reactions/reaction-rules.ts'
import { removalProblems } from './removal-rules.ts'
import { boundProblems } from './request/bound-problems.ts'
import { graphqlProblems } from './request/graphql-problems.ts'
import { placeholderProblems, placeholdersOf } from './request/placeholder-problems.ts'
import { placeholderScopes } from './request/placeholder-scopes.ts'
import { methodOf, requestOptionsOf } from './request/request-options.ts'
import { responseProblems } from './response/response-rules.ts'
import type { StreamSettings } from './rest-options.ts'
import { hasWindows, slicingProblems } from './slices/slices-rules.ts'
import { snapshotProblems } from './snapshots.ts'

/** A combination of a stream's options that can't work. `path` names the option to change. */
export interface StreamProblem {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** Everything that no single option can know of itself. */
export function streamProblems(stream: StreamSettings): readonly StreamProblem[] {
  return [
    ...keyProblems(stream),
    ...readingProblems(stream),
    ...paginateProblems(stream),
    ...overlapProblems(stream),
    ...requestProblems(stream),
    ...responseProblems(stream),
    ...slicingProblems(stream),
    ...concurrencyProblems(stream),
    ...reactionProblems(stream),
    ...jobProblems(stream),
    ...removalProblems(stream),
    ...snapshotProblems(stream),
    ...overwrittenByPages(stream),
  ]
}

function* keyProblems(stream: StreamSettings): Iterable<StreamProblem> {
  const { incremental, slices, write } = stream
  if (stream.key !== undefined) return
  const needsKey = (reason: string): StreamProblem => ({
    path: ['key'],
    message: `${reason}. Name the field that tells one record from another, as in \`key: id\``,
  })
  if (write === 'merge') yield needsKey('`write: merge` replaces records by their key, and there is none')
  if (write === 'history')
    yield needsKey('`write: history` keeps the versions of each record, and there is no key to tell them by')
  if (stream.version !== undefined) {
    yield needsKey('`version` says which of two records with the same key is newer, and there is no key')
  }
  if (incremental?.by === 'time') {
    yield needsKey(
      '`incremental.by: time` reads the records at the high-water mark again, and without a key they would be there twice',
    )
  }
  if (incremental?.by === 'id' && (incremental.inclusive || incremental.lookback > 0)) {
    yield needsKey(
      `\`incremental.${incremental.inclusive ? 'inclusive' : 'lookback'}\` reads records again, and without a key they would be there twice`,
    )
  }
  if (hasWindows(slices)) {
    yield needsKey(
      '`slices` read the newest windows again, and without a key their records would be there twice',
    )
  }
  if (stream.paginate?.type === 'time') {
    yield needsKey(
      '`paginate.type: time` gives the records at the boundary of two pages twice, and nothing else tells that they are the same',
    )
  }
}

function* readingProblems(stream: StreamSettings): Iterable<StreamProblem> {
  const { incremental, slices, paginate, write } = stream
  if (incremental !== undefined && hasWindows(slices)) {
    yield {
      path: ['slices'],
      message:
        '`slices` of time are incremental by themselves: leave out `incremental`, or leave out `slices`',
    }
  }
  if (incremental !== undefined && write === 'replace') {
    yield {
      path: ['write'],
      message:
        '`write: replace` swaps in a whole new table, and `incremental` reads only a part: leave out `incremental`, or write `merge` or `append`',
    }
  }
  const removes = write === 'delete' || write === 'reconcile'
  const findsRows = stream.key !== undefined && ['merge', 'history'].includes(write ?? 'merge')
  if (stream.deleted !== undefined && !removes && !findsRows) {
    const needed = stream.key === undefined ? 'merge` with a `key' : 'merge'
    yield {
      path: ['deleted'],
      message: `\`deleted\` removes rows by their key, which \`write: ${needed}\` alone can do: ${stream.key === undefined ? 'name the `key`' : 'write `merge`'}, or leave \`deleted\` out`,
    }
  }
  const splits = stream.transform?.some(({ split }) => split !== undefined) ?? false
  if (write === 'history' && (splits || stream.sides !== undefined)) {
    yield {
      path: [splits ? 'transform' : 'sides'],
      message: `\`write: history\` keeps the versions of the stream's own records: leave \`${splits ? 'split' : 'sides'}\` out, or load the lists by a stream of their own`,
    }
  }
  const persists = paginate !== undefined && outlivesRun(paginate)
  if (incremental?.by === 'position' && !persists) {
    yield {
      path: ['paginate'],
      message: `\`incremental.by: position\` needs a position that outlives the run: set \`persist: true\` in \`paginate\`${paginate !== undefined && 'persist' in paginate ? '' : ', with a paginator that has it (cursor, next-url, link-header, time, or custom with `resume`)'}`,
    }
  }
  if (persists && paginate.type !== 'custom' && incremental?.by !== 'position') {
    yield {
      path: ['paginate', 'persist'],
      message:
        '`persist: true` keeps the position for the next run, which only `incremental: { by: position }` reads from: add it, or leave `persist` out',
    }
  }
}

function* paginateProblems(stream: StreamSettings): Iterable<StreamProblem> {
  const { paginate, graphql } = stream
  if (paginate === undefined) return
  const method = methodOf(stream)
  const body = graphql === undefined ? (stream.body as Json | undefined) : {}
  for (const { path, message } of paginationProblems(paginate, { method, body }))
    yield { path: ['paginate', ...path], message }
}

function* requestProblems(stream: StreamSettings): Iterable<StreamProblem> {
  const requested = requestOptionsOf(stream)
  yield* placeholderProblems(requested, placeholderScopes(stream))
  yield* boundProblems(stream, placeholdersOf(requested))
  yield* quotaProblems(stream, placeholdersOf(requested))
  yield* graphqlProblems(stream)
  if (stream.paginate === undefined && !isStreamed(stream.format)) {
    yield {
      path: ['paginate'],
      message:
        'say how the API hands out the list page by page, as in `paginate: { type: cursor, … }`, or `paginate: { type: none }` where one request reads it all',
    }
  }
  if (methodOf(stream) === 'GET' && stream.body !== undefined) {
    yield { path: ['body'], message: 'a GET request has no body: set `method: POST`, or use `query`' }
  }
}
