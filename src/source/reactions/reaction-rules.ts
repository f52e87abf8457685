import { placeholdersOf } from '../request/placeholder-problems.ts'
import { requestOptionsOf } from '../request/request-options.ts'
import type { StreamSettings } from '../rest-options.ts'
import type { StreamProblem } from '../stream-rules.ts'
import type { ReactionSettings } from './reaction-options.ts'

/** Reactions that can't work with the stream's other options. */
export function* reactionProblems(
  stream: Pick<
    StreamSettings,
    'responses' | 'write' | 'key' | 'incremental' | 'slices' | 'path' | 'query' | 'headers' | 'body'
  >,
): Iterable<StreamProblem> {
  for (const [index, entry] of stream.responses.entries()) {
    const path = (option: string) => ['responses', index, option]
    const option = useOf(entry, 'stop-slice')
    const replaces =
      stream.write === 'replace' ||
      (stream.write === undefined && stream.key === undefined && stream.incremental === undefined)
    if (option !== undefined && replaces) {
      yield {
        path: path(option),
        message:
          '`stop-slice` leaves a part of the list unread, and `write: replace` swaps in a whole table: write `merge`, with a `key`, or `append`; or take `fail`, which leaves the table as it is',
      }
    }
    const skips = useOf(entry, 'skip-record')
    if (skips !== undefined && !hasPlaceholder(stream)) {
      yield {
        path: path(skips),
        message:
          "`skip-record` keeps the record that a request is for among the rejects, and this stream's requests are for none: no placeholder is in them. Take `ignore`",
      }
    }
  }
}

function useOf(entry: ReactionSettings, action: string): 'action' | 'finally' | undefined {
  if (entry.action === action) return 'action'
  return entry.finally === action ? 'finally' : undefined
}

function hasPlaceholder(stream: Parameters<typeof requestOptionsOf>[0]): boolean {
  return placeholdersOf(requestOptionsOf(stream)).size > 0
}
