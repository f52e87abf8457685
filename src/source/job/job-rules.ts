import type { StreamSettings } from '../rest-options.ts'
import type { StreamProblem } from '../stream-rules.ts'

/** What can't work of a job with the stream's other options. */
export function* jobProblems(
  stream: Pick<StreamSettings, 'job' | 'incremental' | 'path' | 'query' | 'headers' | 'body'>,
): Iterable<StreamProblem> {
  const { job, incremental, path, query, headers, body } = stream
  const names = (value: unknown) => JSON.stringify(value ?? null).includes('{job.')
  const isNamed = [path, query, headers, body].some(names)
  if (job === undefined) {
    if (isNamed) {
      yield {
        path: ['job'],
        message: '{job.…} stands in the request, and there is no job: add `job: { create, poll }`',
      }
    }
    return
  }
  if (!isNamed) {
    yield {
      path: ['path'],
      message:
        'with a `job` the stream\'s own request reads its results, and this one names none: write {job.id} into `path`, or a value of the job, as in "exports/{job.id}/results" or "{job.url}"',
    }
  }
  if (job.poll.parts === undefined && /\{job\.part\b/.test(JSON.stringify([path, query, headers, body]))) {
    yield {
      path: ['job', 'poll', 'parts'],
      message: '{job.part} stands for an item of a list: say where that is, as in `parts: urls`',
    }
  }
  if (incremental?.by === 'position') {
    yield {
      path: ['incremental'],
      message:
        '`incremental.by: position` goes on in a list that grows, and the results of a job do not: take `by: time`, or `slices`',
    }
  }
}
