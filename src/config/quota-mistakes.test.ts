// What is written wrong of quotas: the message says what to write.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to variables are what is tested
import { expect, test } from 'vitest'
import { requestWindow } from '../quota/meters/request-window.ts'
import { definePipeline } from './pipeline.ts'

function mistakeIn(source: object, pipeline: object = {}): string {
  const items = { path: 'items', key: 'id', paginate: { type: 'none' } }
  try {
    definePipeline({
      name: 'p',
      destination: { type: 'duckdb', path: 'p.duckdb' },
      sources: { api: { type: 'rest', baseUrl: 'https://api.test', streams: { items }, ...source } },
      ...pipeline,
    } as never)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
const quota = (entry: unknown) => mistakeIn({ quotas: [entry] })
const at = 'sources.api.quotas[0]'

test.each<[string, string]>([
  [
    quota({ requests: 1, per: 1 }),
    `${at}.per: 1 is a number; a string is expected: write it with its unit, as in \`per: 1s\``,
  ],
  [
    quota({ bytes: 100, per: '1h' }),
    `${at}.bytes: 100 is a number; a string is expected: write it with its unit, as in \`bytes: 100MB\``,
  ],
  [
    mistakeIn({ afterRefusal: 30 }),
    'sources.api.afterRefusal: 30 is a number; a string is expected: write it with its unit, as in `afterRefusal: 30s`',
  ],
  [
    mistakeIn({}, { patience: 10 }),
    'patience: 10 is a number; a string is expected: write it with its unit, as in `patience: 10s`',
  ],
  [
    quota({ requests: 100, per: '1m', reserve: 10 }),
    `${at}.reserve: 10 is no share: write a number above 0 and up to 100 with a percent sign, as in "20%"`,
  ],
  [
    quota({ requests: 100, per: '1m', reserve: '0%' }),
    `${at}.reserve: "0%" is no share: write a number above 0 and up to 100 with a percent sign, as in "20%"`,
  ],
  [
    quota({ requests: 100, per: '1m', reserve: '100%' }),
    `${at}.reserve: a reserve of all leaves nothing: write less than 100%`,
  ],
  [quota({ requests: 1.5, per: '1m' }), `${at}.requests: 1.5 is a number; a whole number is expected`],
  [quota({ requests: 0, per: '1m' }), `${at}.requests: 0 is too small: the least is 1`],
  [quota('10/s'), `${at}: "10/s" is no limit: write \`- { requests: 10, per: 1s }\``],
  [
    quota('700 requests per minute'),
    `${at}: "700 requests per minute" is no limit: write \`- { requests: 700, per: 1m }\``,
  ],
  [quota('5 / 10 seconds'), `${at}: "5 / 10 seconds" is no limit: write \`- { requests: 5, per: 10s }\``],
  [quota(10), `${at}: 10 is no limit: write \`- { requests: 700, per: 1m }\``],
])('%s', (message, expected) => {
  expect(message).toBe(expected)
})

test.each<[string, string]>([
  [quota({ points: 10, per: '1m', cost: 0 }), `${at}.cost: 0 is too small: it has to be more than 0`],
  [quota({ requests: 10, per: '1m', burst: 0 }), `${at}.burst: 0 is too small: it has to be more than 0`],
  [quota({ points: 0, per: '1m', cost: 1 }), `${at}.points: 0 is too small: it has to be more than 0`],
])('%s', (message, expected) => {
  expect(message).toContain(expected)
})

test.each(['http://user:hidden-word@x/y', '${env:NAME}', 'http://${env:NAME}'])(
  'an address of a quota store that is of no PostgreSQL database is refused when the pipeline is loaded: %s',
  (url) => {
    const message = mistakeIn({}, { quotaStore: { type: 'postgres', url } })
    if (url.startsWith('$')) expect(message).toBe('')
    else
      expect(message).toContain(
        'quotaStore.url: this is no address of a PostgreSQL database: write "postgres://',
      )
    expect(message).not.toContain('hidden-word')
  },
)

test('a quota without a clock says so', () => {
  expect(() => requestWindow({ requests: 1, perMs: 1000 }, undefined as never)).toThrow(
    'the quota 1 requests per 1000 ms needs a clock to keep time by',
  )
})
