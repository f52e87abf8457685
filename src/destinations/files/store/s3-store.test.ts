// What is sent to the vendor's own address, and answers that the server of the other tests does not give.
import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { HttpRequest, Runtime } from '../../../ports/runtime.ts'
import { fakeClock } from '../../../testing/fake-clock.ts'
import { seededRandom } from '../../../testing/seeded-random.ts'
import { S3Store } from './s3-store.ts'

type Answer = { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string }

function scripted(answers: readonly Answer[], options: { endpoint?: string; pathStyle?: boolean } = {}) {
  const requests: HttpRequest[] = []
  const clock = fakeClock({ auto: true })
  const runtime: Runtime = {
    clock,
    random: seededRandom(1),
    transport: async (request) => {
      const { status = 200, headers = {}, body = '' } = answers[requests.length] ?? {}
      requests.push(request)
      return {
        status,
        headers,
        body: (async function* () {
          yield Buffer.from(body)
        })(),
        discard: async () => {},
      }
    },
  }
  const store = new S3Store(
    { bucket: 'lake', prefix: 'raw data/' },
    {
      region: 'eu-central-1',
      pathStyle: options.pathStyle ?? false,
      endpoint: options.endpoint,
      credentials: () => ({ accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: 'ST' }),
      description: 'files s3://lake/raw data',
    },
    runtime,
    async () => clock.stop(),
  )
  return { store, requests, clock }
}

test("without an endpoint the bucket is asked at AWS's own address, with the session token signed", async () => {
  const { store, requests } = scripted([{}, { status: 412 }])
  await using _store = store
  expect(await store.create('p/1.json', Buffer.from('{}'))).toBe(true)
  expect(await store.create('p/1.json', Buffer.from('{}'))).toBe(false)
  const [{ method, url, headers }] = requests as [HttpRequest]
  expect([method, url]).toEqual(['PUT', 'https://lake.s3.eu-central-1.amazonaws.com/raw%20data/p/1.json'])
  expect(headers).toMatchObject({ 'if-none-match': '*', 'x-amz-security-token': 'ST' })
  expect(headers['authorization']).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AK\/\d{8}\/eu-central-1\/s3\/aws4_request, SignedHeaders=host;if-none-match;/,
  )
  expect(requests).toHaveLength(2)
})

test('an endpoint may have a path, and the bucket stands in it', async () => {
  const { store, requests } = scripted([{ body: 'x' }], {
    endpoint: 'https://store.test/s3',
    pathStyle: true,
  })
  await using _store = store
  await store.get('p/a')
  expect(requests[0]!.url).toBe('https://store.test/s3/lake/raw%20data/p/a')
})

test('keys of a listing are decoded where the store says that they are encoded, and the next page begins after the last key', async () => {
  const page = (keys: string, more: boolean) =>
    `<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${keys}</ListBucketResult>`
  const entry = (key: string) =>
    `<Contents><Key>${key}</Key><Size>7</Size><LastModified>2026-01-31T00:00:00.000Z</LastModified></Contents>`
  const { store, requests } = scripted([
    { body: page(entry('raw+data/p/%C3%BC%2B1'), true) },
    { body: page(entry('raw%20data/p/z'), false) },
  ])
  await using _store = store
  const found: unknown[] = []
  for await (const object of store.list('p/')) found.push(object)
  expect(found).toEqual([
    { key: 'p/ü+1', bytes: 7, modifiedAt: Date.parse('2026-01-31T00:00:00Z') },
    { key: 'p/z', bytes: 7, modifiedAt: Date.parse('2026-01-31T00:00:00Z') },
  ])
  expect(new URL(requests[1]!.url).searchParams.get('start-after')).toBe('raw data/p/ü+1')
})

test("the store's time is that of its last answer", async () => {
  const { store, clock } = scripted([{ headers: { date: 'Sat, 31 Jan 2026 01:00:00 GMT' } }])
  await using _store = store
  expect(store.now()).toBe(clock.now())
  await store.get('p/a')
  expect(store.now() - clock.now()).toBe(3_600_000)
})

test('parts that the store could not put together, told under status 200, are put together again', async () => {
  const { store, requests } = scripted([
    { body: '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>' },
    { headers: { etag: '"a"' } },
    { headers: { etag: '"b"' } },
    { body: '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>try again</Message></Error>' },
    { body: '<CompleteMultipartUploadResult/>' },
  ])
  await using _store = store
  const file = await store.stage('p/big')
  await writeFile(file.path, Buffer.alloc(17 * 1024 * 1024))
  expect(await file.keep()).toBe(17 * 1024 * 1024)
  expect(requests.map(({ method, url }) => `${method} ${new URL(url).search}`)).toEqual([
    'POST ?uploads=',
    'PUT ?partNumber=1&uploadId=u1',
    'PUT ?partNumber=2&uploadId=u1',
    'POST ?uploadId=u1',
    'POST ?uploadId=u1',
  ])
  expect(Buffer.from(requests[4]!.body as Uint8Array).toString()).toBe(
    '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"a"</ETag></Part><Part><PartNumber>2</PartNumber><ETag>"b"</ETag></Part></CompleteMultipartUpload>',
  )
})

test('an upload that fails for good is ended, and its parts with it', async () => {
  const { store, requests } = scripted([
    { body: '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>' },
    { status: 403, body: '<Error><Code>AccessDenied</Code><Message>no</Message></Error>' },
    { status: 204 },
  ])
  await using _store = store
  const file = await store.stage('p/big')
  await writeFile(file.path, Buffer.alloc(17 * 1024 * 1024))
  await expect(file.keep()).rejects.toThrow(
    'files s3://lake/raw data: PUT raw data/p/big was refused (403 AccessDenied): these credentials may not do that: they need s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket on lake',
  )
  expect(requests.at(-1)).toMatchObject({ method: 'DELETE' })
})

test('a bucket in another region is told as such', async () => {
  const { store } = scripted([
    {
      status: 400,
      body: '<Error><Code>AuthorizationHeaderMalformed</Code><Message>expecting us-west-2</Message></Error>',
    },
  ])
  await using _store = store
  await expect(store.get('p/a')).rejects.toThrow(
    'GET raw data/p/a was refused (400 AuthorizationHeaderMalformed): the bucket is in another region than eu-central-1: correct destination.region',
  )
})
