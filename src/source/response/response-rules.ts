// Combinations of a stream's options about responses that can't work.
import { isStreamed } from '../../http/decode/format-options.ts'
import { parsePath } from '../../pagination/path.ts'
import type { StreamSettings } from '../rest-options.ts'
import type { StreamProblem } from '../stream-rules.ts'
import { writeMode } from '../write-mode.ts'
import { isWholeBody } from './records-options.ts'

export function* responseProblems(stream: StreamSettings): Iterable<StreamProblem> {
  if (isStreamed(stream.format)) yield* streamedProblems(stream)
  yield* sideProblems(stream)
}

function* streamedProblems(stream: StreamSettings): Iterable<StreamProblem> {
  const { format, paginate, records, unwrap } = stream
  const { type } = format
  const named = type === 'json' ? '`format: { type: json, stream: true }`' : `\`format: ${type}\``
  const unit = type === 'csv' ? 'row' : 'line'
  const isDocument = type === 'json'
  if (stream.key === undefined) {
    yield {
      path: ['key'],
      message: `${named} commits parts of a body, which is read again from its start where it breaks off, and without a key its records would be there twice. Name the field that tells one record from another, as in \`key: id\``,
    }
  }
  if (isDocument && records !== undefined && !isNamed(records)) {
    yield {
      path: ['records'],
      message: `${named} finds the list by names alone, as in "data.items", and not ${JSON.stringify(records)}`,
    }
  }
  if (!isDocument && records !== undefined && !isWholeBody(records)) {
    yield {
      path: ['records'],
      message: `with ${named} each ${unit} is a record, and there is no place ${JSON.stringify(records)} to look in: leave \`records\` out`,
    }
  }
  for (const option of ['recordsAs', 'include', 'sides'] as const) {
    if (stream[option] === undefined) continue
    yield {
      path: [option],
      message: isDocument
        ? `with ${named} records are handed on before the document is whole, and \`${option}\` needs all of it: leave one of the two out`
        : `with ${named} each ${unit} is a record, and there is nothing beside them that \`${option}\` could use: leave it out`,
    }
  }
  if (type === 'csv' && unwrap !== undefined) {
    yield {
      path: ['unwrap'],
      message:
        'with `format: csv` each value of a record is text, and none is an object to unwrap: leave `unwrap` out',
    }
  }
  if (isDocument) {
    if (paginate !== undefined && !isPagedByRest(paginate)) {
      yield {
        path: ['paginate'],
        message: `with ${named} the records are gone when the document ends, and a paginator of type ${paginate.type} would have to look at them: use none, cursor, next-url or link-header, without \`lastPage\``,
      }
    }
  } else if (paginate !== undefined && !isPagedByHeader(paginate)) {
    yield {
      path: ['paginate'],
      message: `with ${named} a body is streamed, and a paginator of type ${paginate.type} would have to look into it: use none, link-header without \`lastPage\`, or cursor whose \`token\` is a header`,
    }
  }
}

function isNamed(records: string): boolean {
  return isWholeBody(records) || (parsePath(records)?.every((step) => typeof step === 'string') ?? false)
}

/** Whether the next page is known without the records. */
function isPagedByRest(paginate: NonNullable<StreamSettings['paginate']>): boolean {
  const follows = ['none', 'cursor', 'next-url', 'link-header', 'custom'].includes(paginate.type)
  return follows && !('lastPage' in paginate && paginate.lastPage !== undefined)
}

/** Whether the next page is known without the body. */
function isPagedByHeader(paginate: NonNullable<StreamSettings['paginate']>): boolean {
  if (paginate.type === 'none' || paginate.type === 'custom') return true
  if (paginate.type === 'link-header') return paginate.lastPage === undefined
  if (paginate.type !== 'cursor') return false
  return Object.entries(paginate).every(([name, value]) => !readsBody(name, value))
}

/** The options of a cursor that say where something is in the response. */
function readsBody(name: string, value: unknown): boolean {
  if (name === 'persist' && typeof value === 'object' && value !== null) {
    return Object.entries(value).some(([inner, place]) => readsBody(inner, place))
  }
  if (name !== 'token' && name !== 'more' && name !== 'lastPage') return false
  return value !== undefined && !(typeof value === 'object' && value !== null && 'header' in value)
}

function* sideProblems(stream: StreamSettings): Iterable<StreamProblem> {
  const { sides, incremental, slices, write, snapshots } = stream
  const how = writeMode(stream)
  const rereader =
    incremental !== undefined
      ? '`incremental` reads pages again'
      : slices !== undefined
        ? '`slices` reads pages again'
        : how === 'replace' || snapshots
          ? undefined
          : `with \`write: ${how}\` each run reads the list from its beginning`
  for (const [name, { key }] of Object.entries(sides ?? {})) {
    if (key !== undefined || rereader === undefined) continue
    yield {
      path: ['sides', name, 'key'],
      message: `${rereader}, and without a key the rows of \`${name}\` would be there twice: name the field that tells one from another, as in \`key: id\``,
    }
  }
  if (sides !== undefined && (write as string) === 'reconcile') {
    yield { path: ['sides'], message: '`write: reconcile` reads keys alone: leave `sides` out' }
  }
}
