import { describe, expect, test } from 'vitest'
import type { HttpHeaders } from '../../ports/runtime.ts'
import type { RateLimitHeaders } from './options.ts'
import { readReports } from './read-reports.ts'
import type { RateReport } from './report.ts'

const wallNow = Date.parse('2026-01-31T00:00:00Z')
const epoch = wallNow / 1000 + 41
const at = (precisionMs: number, ms = epoch * 1000) => ({ at: ms, precisionMs })
const inSeconds = (seconds: number) => ({ inMs: seconds * 1000, precisionMs: 1000 })
const inMs = (ms: number) => ({ inMs: ms, precisionMs: 1 })

type Row = [string, HttpHeaders, readonly RateReport[]]

describe('reports are read from', () => {
  // PEERS: dlt lacks rate limit headers
  // PEERS: Airbyte TokenQuota
  // PEERS: Airbyte lacks Retry-After and RateLimit by default
  test.each<Row>([
    [
      'Zendesk: the account in seconds, and the budget of an endpoint beside it',
      {
        'x-rate-limit': '700',
        'x-rate-limit-remaining': '698',
        'ratelimit-limit': '700',
        'ratelimit-remaining': '699',
        'ratelimit-reset': '41',
        'zendesk-ratelimit-incremental-exports': 'total=10; remaining=9; resets=2',
      },
      [
        { bucket: '', limit: 700, remaining: 699, reset: inSeconds(41) },
        { bucket: 'incremental-exports', limit: 10, remaining: 9, reset: inSeconds(2) },
      ],
    ],
    [
      'GitHub: an epoch, by resource',
      {
        'x-ratelimit-limit': '30',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-used': '30',
        'x-ratelimit-reset': String(epoch),
        'x-ratelimit-resource': 'search',
      },
      [{ bucket: 'search', limit: 30, remaining: 0, reset: at(1000) }],
    ],
    [
      'GitLab: an epoch under a name that stands for seconds elsewhere',
      {
        'ratelimit-limit': '2000',
        'ratelimit-name': 'throttle_authenticated_api',
        'ratelimit-observed': '1',
        'ratelimit-remaining': '1999',
        'ratelimit-reset': String(epoch),
        'ratelimit-resettime': 'Sat, 31 Jan 2026 00:00:41 GMT',
      },
      [{ bucket: 'throttle_authenticated_api', limit: 2000, remaining: 1999, reset: at(1000) }],
    ],
    [
      'X: an epoch',
      {
        'x-rate-limit-limit': '900',
        'x-rate-limit-remaining': '7',
        'x-rate-limit-reset': String(epoch),
      },
      [{ bucket: '', limit: 900, remaining: 7, reset: at(1000) }],
    ],
    [
      'Discord: a bucket, and fractions of seconds in place of its epoch',
      {
        'x-ratelimit-limit': '5',
        'x-ratelimit-remaining': '1',
        'x-ratelimit-reset': `${epoch}.123`,
        'x-ratelimit-reset-after': '0.25',
        'x-ratelimit-bucket': 'abcd1234',
      },
      [{ bucket: 'abcd1234', perResource: true, limit: 5, remaining: 1, reset: inMs(250) }],
    ],
    [
      'Klaviyo: seconds',
      { 'ratelimit-limit': '150', 'ratelimit-remaining': '149', 'ratelimit-reset': '32' },
      [{ bucket: '', limit: 150, remaining: 149, reset: inSeconds(32) }],
    ],
    [
      'Okta: an epoch',
      {
        'x-rate-limit-limit': '600',
        'x-rate-limit-remaining': '599',
        'x-rate-limit-reset': String(epoch),
      },
      [{ bucket: '', limit: 600, remaining: 599, reset: at(1000) }],
    ],
    [
      'Okta: nothing of a budget where too many requests are in flight, which it says with zeros and a guess',
      { 'x-rate-limit-limit': '0', 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': String(epoch) },
      [],
    ],
    [
      'a limit of 0: a wait, and no budget of that size',
      { 'x-ratelimit-limit': '0', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(epoch) },
      [{ bucket: '', remaining: 0, reset: at(1000) }],
    ],
    [
      'Shopify: a bucket that is used in part, and empties in 20 seconds',
      { 'x-shopify-shop-api-call-limit': '32/40' },
      [{ bucket: 'shop', limit: 40, remaining: 8, restoredPerMs: 0.002 }],
    ],
    [
      'Salesforce: used of what there is, also of an app',
      { 'sforce-limit-info': 'api-usage=18/5000; per-app-api-usage=17/250(appName=sample-connected-app)' },
      [
        { bucket: 'api-usage', limit: 5000, remaining: 4982 },
        { bucket: 'per-app-api-usage', limit: 250, remaining: 233 },
      ],
    ],
    [
      'Zoom: a second by category',
      {
        'x-ratelimit-category': 'Medium',
        'x-ratelimit-type': 'QPS',
        'x-ratelimit-limit': '60',
        'x-ratelimit-remaining': '59',
      },
      [{ bucket: 'Medium QPS', limit: 60, remaining: 59, windowMs: 1000, reset: inMs(1000) }],
    ],
    [
      'Zoom: a day, which ends at midnight UTC',
      {
        'x-ratelimit-category': 'Heavy',
        'x-ratelimit-type': 'Daily-limit',
        'x-ratelimit-limit': '60000',
        'x-ratelimit-remaining': '0',
      },
      [
        {
          bucket: 'Heavy Daily-limit',
          limit: 60_000,
          remaining: 0,
          reset: at(1, Date.parse('2026-02-01T00:00:00Z')),
        },
      ],
    ],
    [
      "OpenAI: requests and tokens, with Go's durations",
      {
        'x-ratelimit-limit-requests': '60',
        'x-ratelimit-remaining-requests': '59',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-limit-tokens': '150000',
        'x-ratelimit-remaining-tokens': '149984',
        'x-ratelimit-reset-tokens': '6m0s',
      },
      [
        { bucket: 'requests', limit: 60, remaining: 59, reset: inMs(1000) },
        { bucket: 'tokens', limit: 150_000, remaining: 149_984, reset: inMs(360_000), unit: 'other' },
      ],
    ],
    [
      'Intercom: an epoch',
      {
        'x-ratelimit-limit': '1666',
        'x-ratelimit-remaining': '1665',
        'x-ratelimit-reset': String(epoch),
      },
      [{ bucket: '', limit: 1666, remaining: 1665, reset: at(1000) }],
    ],
    [
      'Jira: an ISO date, and its points beside it',
      {
        'x-ratelimit-limit': '100',
        'x-ratelimit-remaining': '7',
        'x-ratelimit-reset': '2026-01-31T00:00:41Z',
        'beta-ratelimit-policy': '"global-app-quota";q=65000;w=3600',
        'beta-ratelimit': '"global-app-quota";r=11000;t=600',
      },
      [
        { bucket: '', limit: 100, remaining: 7, reset: at(1000) },
        {
          bucket: 'global-app-quota',
          limit: 65_000,
          remaining: 11_000,
          windowMs: 3_600_000,
          reset: inSeconds(600),
        },
      ],
    ],
    [
      'HubSpot: ten seconds that slide, and a day without an end',
      {
        'x-hubspot-ratelimit-max': '190',
        'x-hubspot-ratelimit-remaining': '187',
        'x-hubspot-ratelimit-interval-milliseconds': '10000',
        'x-hubspot-ratelimit-daily': '650000',
        'x-hubspot-ratelimit-daily-remaining': '649000',
      },
      [
        { bucket: 'interval', limit: 190, remaining: 187, windowMs: 10_000, reset: inMs(10_000) },
        { bucket: 'daily', limit: 650_000, remaining: 649_000 },
      ],
    ],
    [
      'SendGrid: an epoch',
      {
        'x-ratelimit-limit': '500',
        'x-ratelimit-remaining': '499',
        'x-ratelimit-reset': String(epoch),
      },
      [{ bucket: '', limit: 500, remaining: 499, reset: at(1000) }],
    ],
    [
      'an epoch in milliseconds',
      { 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': String(epoch * 1000) },
      [{ bucket: '', remaining: 5, reset: at(1) }],
    ],
    [
      'an HTTP date',
      { 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': 'Sat, 31 Jan 2026 00:00:41 GMT' },
      [{ bucket: '', remaining: 5, reset: at(1000) }],
    ],
    [
      'fractions of what remains, rounded down',
      { 'x-ratelimit-remaining': '594.7', 'x-ratelimit-reset': '41' },
      [{ bucket: '', remaining: 594, reset: inSeconds(41) }],
    ],
    // Those that do not report: Mixpanel, Stripe, Slack, Microsoft Graph, Airtable, Notion, Google.
    ['no reports: Slack, Stripe, Notion', { 'retry-after': '30', 'stripe-should-retry': 'false' }, []],
    ['Twilio: how many are in flight, which is no budget', { 'twilio-concurrent-requests': '3' }, []],
  ])('%s', (_name, headers, reports) => {
    expect(readReports(headers, 'auto', wallNow)).toEqual(reports)
  })
})

describe('the RateLimit fields are read', () => {
  test.each<Row>([
    [
      'as three fields (drafts -03 to -05), the policies in the limit',
      {
        'ratelimit-limit': '100, 100;w=60, 5000;w=3600',
        'ratelimit-remaining': '50',
        'ratelimit-reset': '30',
      },
      [{ bucket: '', limit: 100, remaining: 50, windowMs: 60_000, reset: inSeconds(30) }],
    ],
    [
      'as three fields with a policy (draft -06)',
      {
        'ratelimit-policy': '50;w=1',
        'ratelimit-limit': '50',
        'ratelimit-remaining': '49',
        'ratelimit-reset': '1',
      },
      [{ bucket: '', limit: 50, remaining: 49, windowMs: 1000, reset: inSeconds(1) }],
    ],
    [
      'as one field (draft -07)',
      { 'ratelimit-policy': '50;w=1', ratelimit: 'limit=50, remaining=49, reset=1' },
      [{ bucket: '', limit: 50, remaining: 49, windowMs: 1000, reset: inSeconds(1) }],
    ],
    [
      'as a list (draft -08 on)',
      {
        'ratelimit-policy': '"50-in-1sec"; q=50; w=1; pk=:YjM4NDE4M2I1NDNh:',
        ratelimit: '"50-in-1sec"; r=49; t=1',
      },
      [{ bucket: '50-in-1sec', limit: 50, remaining: 49, windowMs: 1000, reset: inSeconds(1) }],
    ],
    [
      'as a list on several lines; "default" is no name, and what is in flight no budget',
      {
        'ratelimit-policy': [
          '"burst";q=100;w=60,"daily";q=1000;w=86400',
          '"parallel";q=5;qu="concurrent-requests","bytes";q=1000;w=60;qu="content-bytes"',
        ],
        ratelimit: ['"burst";r=3;t=2, "default";r=50', '"parallel";r=1', '"bytes";r=7;t=9;pk=:YQ==:'],
      },
      [
        { bucket: 'burst', limit: 100, remaining: 3, windowMs: 60_000, reset: inSeconds(2) },
        { bucket: '', remaining: 50 },
        { bucket: 'bytes', limit: 1000, remaining: 7, windowMs: 60_000, reset: inSeconds(9), unit: 'other' },
      ],
    ],
    [
      'before the older names of the same budget',
      { ratelimit: '"default";r=4;t=3', 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': '9' },
      [{ bucket: '', remaining: 4, reset: inSeconds(3) }],
    ],
  ])('%s', (_name, headers, reports) => {
    expect(readReports(headers, 'auto', wallNow)).toEqual(reports)
  })

  test.each([
    '"default";r=',
    '"default" r=5',
    'limit=5,,',
    '"open;r=5',
    '"a";r=-;t=1',
    'r=1;',
    '"a";r="5"',
    ',',
    '',
  ])('and ignored where malformed: %j', (ratelimit) => {
    const reports = readReports({ ratelimit }, 'auto', wallNow)
    expect(reports.filter(({ remaining }) => !Number.isInteger(remaining))).toEqual([])
    expect(reports.length).toBe(ratelimit === '"a";r="5"' ? 1 : 0)
  })
})

describe('headers that are named are read', () => {
  const names = { remaining: 'left', reset: 'again' }
  test.each<[string, HttpHeaders, RateLimitHeaders, readonly RateReport[]]>([
    [
      'in seconds',
      { left: '4', again: '10' },
      { ...names, resetUnit: 'seconds' },
      [{ bucket: '', remaining: 4, reset: inSeconds(10) }],
    ],
    [
      'in milliseconds',
      { left: '4', again: '1500' },
      { ...names, resetUnit: 'milliseconds' },
      [{ bucket: '', remaining: 4, reset: inMs(1500) }],
    ],
    [
      'as an epoch',
      { left: '4', again: String(epoch) },
      { ...names, resetUnit: 'epoch' },
      [{ bucket: '', remaining: 4, reset: at(1000) }],
    ],
    [
      'as an epoch in milliseconds',
      { left: '4', again: String(epoch * 1000) },
      { ...names, resetUnit: 'epoch-ms' },
      [{ bucket: '', remaining: 4, reset: at(1) }],
    ],
    [
      'as a date',
      { left: '4', again: '2026-01-31T00:00:41Z' },
      { ...names, resetUnit: 'date' },
      [{ bucket: '', remaining: 4, reset: at(1000) }],
    ],
    [
      'as an epoch under the name of seconds',
      { left: '4', again: String(epoch) },
      { ...names, resetUnit: 'seconds' },
      [{ bucket: '', remaining: 4, reset: at(1000) }],
    ],
    [
      'with limit and bucket',
      { left: '4', again: '10', all: '9', kind: 'reports' },
      { ...names, resetUnit: 'seconds', limit: 'all', bucket: 'kind' },
      [{ bucket: 'reports', limit: 9, remaining: 4, reset: inSeconds(10) }],
    ],
    [
      'as what is used',
      { used: '7', all: '9' },
      { limit: 'all', used: 'used' },
      [{ bucket: '', limit: 9, remaining: 2 }],
    ],
    [
      'of several budgets',
      { left: '4', again: '10', 'left-today': '100', kind: 'x' },
      [
        { ...names, resetUnit: 'seconds' },
        { remaining: 'left-today', bucket: 'kind' },
      ],
      [
        { bucket: '', remaining: 4, reset: inSeconds(10) },
        { bucket: 'x', remaining: 100 },
      ],
    ],
    [
      'for days, which no guess is believed',
      { left: '4', again: '2600000' },
      { ...names, resetUnit: 'seconds' },
      [{ bucket: '', remaining: 4, reset: inSeconds(2_600_000) }],
    ],
    [
      'not at all where they are switched off',
      { 'ratelimit-remaining': '0', 'ratelimit-reset': '41' },
      false,
      [],
    ],
  ])('%s', (_name, headers, dialect, reports) => {
    expect(readReports(headers, dialect, wallNow)).toEqual(reports)
  })
})

test.each<[string, HttpHeaders]>([
  ['the reset is missing', { 'ratelimit-remaining': '0' }],
  ['what remains is no number', { 'ratelimit-remaining': 'none', 'ratelimit-reset': '41' }],
  ['the reset is an epoch of 0', { 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': 'soon' }],
  ['a guess would wait for days', { 'ratelimit-remaining': '0', 'ratelimit-reset': '2600000' }],
  ['a bucket is malformed', { 'x-shopify-shop-api-call-limit': '32 of 40' }],
  ['a bucket holds nothing', { 'x-shopify-shop-api-call-limit': '0/0' }],
  ['an endpoint names no numbers', { 'zendesk-ratelimit-exports': 'total=; remaining=?' }],
])('nothing is read where %s', (_name, headers) => {
  expect(readReports(headers, 'auto', wallNow)).toEqual([])
})
