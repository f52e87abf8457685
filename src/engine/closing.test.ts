import { expect, test } from 'vitest'
import { closeAfter, closeAll } from './closing.ts'

function resource(closed: string[], name: string, failure?: string): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      closed.push(name)
      if (failure !== undefined) throw new Error(failure)
    },
  }
}

// PEERS: dlt #2595
test('all are closed, in order, also behind one that can not be closed, which is thrown', async () => {
  const closed: string[] = []
  const closing = closeAll([
    resource(closed, 'desk'),
    resource(closed, 'pay', 'stuck'),
    resource(closed, 'transport'),
  ])
  await expect(closing).rejects.toThrow('stuck')
  expect(closed).toEqual(['desk', 'pay', 'transport'])
})

test('of several that can not be closed each is told', async () => {
  const closing = closeAll([resource([], 'desk', 'stuck'), resource([], 'pay', 'broken')])
  await expect(closing).rejects.toThrow('Error: stuck; Error: broken')
})

test('a resource that can not be closed does not take the result away', async () => {
  const failures: unknown[] = []
  const closed: string[] = []
  const result = await closeAfter(
    resource(closed, 'session', 'disk full'),
    async () => 'report',
    (error) => failures.push(error),
  )
  expect(result).toBe('report')
  expect(failures).toEqual([new Error('disk full')])
})

test('after work that failed the resource is closed, and the work tells why', async () => {
  const closed: string[] = []
  const closing = closeAfter(
    resource(closed, 'session', 'disk full'),
    async () => {
      throw new Error('no such table')
    },
    () => {},
  )
  await expect(closing).rejects.toThrow('no such table')
  expect(closed).toEqual(['session'])
})
