import type { StreamSettings } from './rest-options.ts'
import type { StreamProblem } from './stream-rules.ts'

/** What can't work in a stream whose records name rows of another's table instead of being some. */
export function* removalProblems(stream: StreamSettings): Iterable<StreamProblem> {
  const { write, key, table, incremental, version, deleted, transform, sides, slices, maxRemoved } = stream
  if (maxRemoved !== undefined && write !== 'reconcile') {
    yield {
      path: ['maxRemoved'],
      message:
        '`maxRemoved` bounds what a list of all keys may remove, and this stream reads none: leave it out, or write `write: reconcile`',
    }
  }
  if (write !== 'delete' && write !== 'reconcile') return
  if (key === undefined) {
    yield {
      path: ['key'],
      message: `\`write: ${write}\` removes rows by their key, and there is none. Name the field that tells one row from another, as in \`key: id\``,
    }
  }
  if (table === undefined) {
    yield {
      path: ['table'],
      message: `\`write: ${write}\` removes rows of a table that another stream loads: name it, as in \`table: desk_tickets\``,
    }
  }
  if (deleted !== undefined) {
    yield {
      path: ['deleted'],
      message:
        write === 'delete'
          ? 'with `write: delete` every record says that a row is gone: leave `deleted` out, and those that do not with `transform`'
          : 'with `write: reconcile` the records name the rows that there are: leave those that are gone out with `transform`, as in `- filter: "@.status != \'deleted\'"`',
    }
  }
  if (transform?.some(({ split }) => split !== undefined)) {
    yield {
      path: ['transform'],
      message: `\`write: ${write}\` loads no rows, and so none of a list: leave \`split\` out. What belongs to a removed row goes along with it`,
    }
  }
  if (sides !== undefined) {
    yield {
      path: ['sides'],
      message: `\`write: ${write}\` loads no rows, and so none of a list beside the records: leave \`sides\` out`,
    }
  }
  if (write === 'delete') return
  if (slices?.some(({ by }) => by === 'time')) {
    yield {
      path: ['slices'],
      message:
        '`write: reconcile` removes each row that the list does not name, and windows of time read only a part of it: leave `by: time` out',
    }
  }
  if (incremental !== undefined) {
    yield {
      path: ['incremental'],
      message:
        '`write: reconcile` removes each row that the list does not name, and `incremental` reads only a part of it: leave `incremental` out',
    }
  }
  if (version !== undefined) {
    yield {
      path: ['version'],
      message: '`write: reconcile` compares keys alone: leave `version` out',
    }
  }
}
