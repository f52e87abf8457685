import { expect, test } from 'vitest'
import { codeAuth, testWorld } from './ask.ts'

const PATH = '/code/api/v4/projects?pagination=keyset&order_by=id&sort=asc'
const small = { records: { projects: 45 } }

test('the Link header alone leads through the list by growing ids, and an empty page without it is the end', async () => {
  const { ask, sandbox } = testWorld(small)
  const pages: number[][] = []
  for (let path: string | undefined = PATH; path !== undefined; ) {
    const { body, headers } = await ask(path, codeAuth)
    pages.push(body.map(({ id }: { id: number }) => id))
    path = /^<http:\/\/sandbox\.test(.+)>; rel="next"$/.exec(headers['link']?.toString() ?? '')?.[1]
  }
  expect(pages.map((page) => page.length)).toEqual([20, 20, 5, 0])
  expect(pages.flat().map(String)).toEqual([...sandbox.truth.projects()].map(({ key }) => key))
})

test('id_after leaves out the project that it names; what is inserted later has a greater id', async () => {
  const { ask, sandbox } = testWorld(small)
  const newest = [...sandbox.truth.projects()].at(-1)!.key
  const after = `${PATH}&id_after=${newest}`
  expect((await ask(after, codeAuth)).body).toEqual([])
  sandbox.mutate({ inserts: 2 })
  const { body } = await ask(after, codeAuth)
  expect(body).toHaveLength(2)
  expect(Math.min(...body.map(({ id }: { id: number }) => id))).toBeGreaterThan(Number(newest))
})

test('every response tells the quota with its reset as an epoch; past it come 429, plain text and Retry-After', async () => {
  const { ask, clock } = testWorld({
    ...small,
    limits: { code: { requests: 1, perMs: 600_000, kind: 'fixed' } },
  })
  const reset = `${(Math.floor(clock.now() / 600_000) + 1) * 600}`
  const first = await ask(PATH, codeAuth)
  expect(first.headers).toMatchObject({ 'ratelimit-remaining': '0', 'ratelimit-reset': reset })
  const second = await ask(PATH, codeAuth)
  expect(second).toMatchObject({ status: 429, text: 'Retry later\n' })
  expect(Number(second.headers['retry-after'])).toBe(Number(reset) - clock.now() / 1000)
})

test('without the token, without the keyset parameters or with a wrong number the list is refused', async () => {
  const { ask } = testWorld(small)
  const refusal = async (path: string, auth: Parameters<typeof ask>[1] = codeAuth) => {
    const { status, body } = await ask(path, auth)
    return [status, body.message ?? body.error]
  }
  expect(await refusal(PATH, {})).toEqual([401, '401 Unauthorized'])
  expect(await refusal('/code/api/v4/projects')).toEqual([
    400,
    'this sandbox lists by keyset alone: pagination=keyset',
  ])
  expect(await refusal(`${PATH}&per_page=none`)).toEqual([400, 'per_page is invalid'])
  expect(await refusal(`${PATH}&id_after=-1`)).toEqual([400, 'id_after is invalid'])
  expect(await refusal('/code/api/v4/groups')).toEqual([404, '404 Not Found'])
})
