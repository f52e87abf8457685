// R1 for every kind: an API that answers with what it gave before, one page ago or several, stops the stream; so does one that is
// always empty and always says that there is more.
import { describe, expect, test } from 'vitest'
import { cursor } from '../../pagination/cursor.ts'
import { keyset } from '../../pagination/keyset.ts'
import { linkHeader } from '../../pagination/link-header.ts'
import { nextUrl } from '../../pagination/next-url.ts'
import { offset } from '../../pagination/offset.ts'
import type { PaginatorOptions } from '../../pagination/options.ts'
import { pageNumber } from '../../pagination/page-number.ts'
import { PaginationLoopError, PaginationStuckError } from '../../pagination/paginator.ts'
import { time } from '../../pagination/time.ts'
import { type Answer, runOnce, scriptedClient, streamOf, Warehouse } from '../testing/scripted-client.ts'

const size = { param: 'limit', value: 2 }

function read(paginate: PaginatorOptions, answer: (asked: number) => Answer) {
  let asked = 0
  const client = scriptedClient(() => answer(asked++))
  const stream = streamOf('api', 'items', { path: 'items', records: 'data', paginate, key: 'id' }, client)
  return { client, reading: runOnce(stream, new Warehouse()) }
}

const kinds: PaginatorOptions[] = [
  offset({ size }),
  pageNumber({ size }),
  cursor({ token: 'next', param: 'cursor' }),
  nextUrl({ url: 'next' }),
  linkHeader(),
  keyset({ param: 'after' }),
  time({ param: 'since', field: 'at', size }),
]

/** Pages of a circle: the page `at` leads to the one after it, and the last to the first. */
function circle(at: number, length: number): Answer {
  const next = `/items?page=${(at + 1) % length}`
  const id = at % length
  return {
    // Each record has a stamp of its own: no two pages hold the same, so that only positions can tell.
    body: {
      data: [
        { id: id * 2, at: id, stamp: at },
        { id: id * 2 + 1, at: id, stamp: at },
      ],
      next,
    },
    headers: { 'content-type': 'application/json', link: `<${next}>; rel="next"` },
  }
}

/** Requests for pages that a header named, made before the page in front of them had come. */
const askedAhead = ({ type }: PaginatorOptions) => (type === 'link-header' ? 4 : 0)

const following = kinds.filter(({ type }) => !['offset', 'page-number'].includes(type))

describe('a list that leads back', () => {
  // PEERS: Airbyte lacks repeated-cursor guard
  test.each(kinds)('to the page just read, byte for byte, stops $type', async (options) => {
    const same = {
      body: {
        data: [
          { id: 1, at: 1 },
          { id: 2, at: 2 },
        ],
        next: '/items?page=2',
      },
    }
    const { client, reading } = read(options, (asked) => ({
      ...same,
      headers: { 'content-type': 'application/json', link: `</items?page=${asked}>; rel="next"` },
    }))
    // Of a full page of one time it can't be said whether it repeats: that is R5.
    await expect(reading).rejects.toThrow(
      options.type === 'time' ? /repeats|of the one before it|leads back|share/ : PaginationLoopError,
    )
    expect(client.requests.length).toBeLessThanOrEqual(2 + askedAhead(options))
  })

  // PEERS: dlt fault 3 repeated cursor
  test.each(following)(
    'over two pages, A → B → A, stops $type before a page is read twice',
    async (options) => {
      const { client, reading } = read(options, (asked) => circle(asked, 2))
      await expect(reading).rejects.toThrow(PaginationLoopError)
      // Its first page had no position yet: it is met once more before the circle closes.
      expect(client.requests.length).toBeLessThanOrEqual(3 + askedAhead(options))
    },
  )

  // PEERS: dlt not tested repeated cursor
  test.each([3, 31, 200])('over %i pages is found in constant memory', async (length) => {
    const { client, reading } = read(cursor({ token: 'next', param: 'cursor' }), (asked) =>
      circle(asked, length),
    )
    await expect(reading).rejects.toThrow('which was read before: the list runs in a circle')
    expect(client.requests.length).toBeLessThanOrEqual(length <= 31 ? length + 1 : 3 * length)
  })
})

// PEERS: airbyte-python-cdk#1148
test.each([offset({ size, more: 'more' }), pageNumber({ more: 'more' })])(
  'a list of $type that is always empty and always says that there is more is stopped',
  async (options) => {
    const { reading } = read(options, () => ({ body: { data: [], more: true } }))
    await expect(reading).rejects.toThrow(PaginationStuckError)
    await expect(reading).rejects.toThrow(
      '1000 pages in a row were the same and empty, and the list still goes on; check `more` and the totals in `paginate`, or leave them out, to end at the first empty page',
    )
  },
)

test('a long list whose positions all differ is read to its end', async () => {
  const { client, reading } = read(cursor({ token: 'next', param: 'cursor' }), (asked) => ({
    body: { data: [{ id: asked }], next: asked < 1999 ? `t${asked}` : null },
  }))
  await reading
  expect(client.requests).toHaveLength(2000)
})
