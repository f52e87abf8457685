import { expect, test } from 'vitest'
import { bench, created, exportStream, page, type StreamInput, status } from './scripted-jobs.ts'

/** Salesforce says it in a header of each response with results. */
const withCount = {
  job: { ...exportStream.job, count: { header: 'Sforce-NumberOfRecords' } },
} as Partial<StreamInput>
const counting = (count: string, reply: object) => ({
  ...reply,
  headers: { 'sforce-numberofrecords': count },
})

test('Salesforce: each response holds as many records as it says', async () => {
  const replies = [created, status('ready'), counting('1', page(1, 'b')), counting('1', page(2))]
  const { run, warehouse } = bench(replies, withCount)
  await run()
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
})

test('a response with another number of records stops the stream, and is read again by the next run', async () => {
  const replies = [created, status('ready'), counting('1', page(1, 'b')), counting('3', page(2))]
  const again = [status('ready'), counting('1', page(2))]
  const { run, warehouse, asked } = bench([...replies, ...again], withCount)
  await expect(run()).rejects.toThrow(
    'api.items: a response with results of job e1 holds 1 record, and says 3 at header sforce-numberofrecords (`job.count`): the run stops before its end is committed, and the next one reads it again',
  )
  expect([...warehouse.rows.keys()]).toEqual(['1'])
  await run()
  expect(asked().slice(-2)).toEqual(['GET exports/e1', 'GET exports/e1/results?cursor=b'])
  expect([...warehouse.rows.keys()]).toEqual(['1', '2'])
})

test('a response that says no number stops the stream, too; the place may be in the body', async () => {
  const { run } = bench([created, status('ready'), page(1)], {
    job: { ...exportStream.job, count: 'total' },
  } as Partial<StreamInput>)
  await expect(run()).rejects.toMatchObject({ code: 'JOB_INCOMPLETE', job: 'e1' })
})

test('a streamed body is counted to its end', async () => {
  const lines = (count: number) => counting('2', { body: '{"id":1}\n'.repeat(count) })
  for (const [count, ends] of [
    [2, 'well'],
    [1, 'JOB_INCOMPLETE'],
  ] as const) {
    const { run } = bench([created, status('ready'), lines(count)], {
      ...withCount,
      format: 'jsonl',
      records: undefined,
      paginate: { type: 'none' },
    } as unknown as Partial<StreamInput>)
    expect(
      await run().then(
        () => 'well',
        (error) => error.code,
      ),
    ).toBe(ends)
  }
})
