// The bench in small: that it runs, and that every way gets all pages. How fast they are, no test asserts.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const bench = fileURLToPath(new URL('../dist/bench/quotas.js', import.meta.url))

test('--json prints one object: seconds and refusals of each way, what a quota costs, and a long line that is served in order by one timer', async () => {
  const args = ['--json', '--pages', '20', '--limit', '20', '--rounds', '1']
  const { stdout } = await promisify(execFile)(process.execPath, [bench, ...args])
  const way = { seconds: expect.any(Number), refused: expect.any(Number) }
  expect(JSON.parse(stdout)).toEqual({
    sluice: { ...way, refused: 0 },
    'sluice-told': { ...way, refused: 0 },
    'p-queue': way,
    bottleneck: way,
    'retry-loop': way,
    acquireMicroseconds: {
      window: expect.any(Number),
      bucket: expect.any(Number),
      concurrency: expect.any(Number),
    },
    layerMicroseconds: { acquire: expect.any(Number), all: expect.any(Number) },
    line: { waiters: 10_000, ms: expect.any(Number), inOrder: true, timers: 1 },
    tenants: { waiters: 10_000, ms: expect.any(Number), inOrder: true, timers: 1 },
  })
}, 60_000)
