import { expect, test } from 'vitest'
import { definePipeline } from '../../config/pipeline.ts'
import { bench, exportStream } from './scripted-jobs.ts'

function problemOf(stream: object): string | undefined {
  try {
    definePipeline({
      name: 'p',
      destination: { type: 'duckdb', path: 'w.duckdb' },
      sources: {
        api: {
          type: 'rest',
          baseUrl: 'https://api.test',
          streams: { items: { ...exportStream, ...stream } },
        },
      },
    } as never)
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}

test('a job that can not work is refused when the pipeline is loaded', () => {
  const { job } = exportStream
  const poll = (more: object) => problemOf({ job: { ...job, poll: { ...job.poll, ...more } } })
  expect(problemOf({})).toBeUndefined()
  expect(problemOf({ path: 'exports' })).toContain(
    "with a `job` the stream's own request reads its results, and this one names none",
  )
  expect(problemOf({ job: undefined })).toContain('{job.…} stands in the request, and there is no job')
  expect(poll({ done: undefined })).toContain('say what the status is when the results are there')
  expect(poll({ status: undefined })).toContain('`done` names statuses: say where the status is')
  expect(poll({ failed: ['ready'] })).toContain('the status "ready" can\'t mean two things')
  expect(poll({ every: '2m' })).toContain('the longest wait is no shorter than `every`')
  expect(poll({ dnoe: [] })).toContain('did you mean "done"?')
  expect(problemOf({ path: '{job.part}' })).toContain('{job.part} stands for an item of a list')
  expect(
    problemOf({ incremental: { by: 'position' }, paginate: { ...exportStream.paginate, persist: true } }),
  ).toContain('`incremental.by: position` goes on in a list that grows')
})

test('a check creates no job', async () => {
  const { stream, asked } = bench([])
  await expect(stream.probe(new AbortController().signal)).rejects.toThrow(
    'api.items: its first request would create a job, which is no way to check a credential: name a path that does no harm in the `check` of the source',
  )
  expect(asked()).toEqual([])
  expect(stream.preview({ key: 'all', progress: null })).toMatchObject({
    method: 'POST',
    url: 'https://api.test/exports',
  })
})
