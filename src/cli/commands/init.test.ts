// The questions of `sluice init`, with scripted answers in place of a terminal.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Questions } from '../questions.ts'
import { type InitCommandOptions, initCommand } from './init.ts'

let directory: string
let written: string
let variables: Record<string, string>
let server: Server | undefined
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-init-'))
  written = ''
  variables = {}
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
  server?.closeAllConnections()
  server?.close()
})

function init(
  target: string | undefined,
  file: string | undefined,
  options: InitCommandOptions,
  questions: Questions | undefined,
): Promise<number> {
  return initCommand(target, file, options, {
    questions,
    directory,
    lookup: (name) => variables[name],
    print(text) {
      written += text
    },
  })
}

const fileNamed = (name: string) => readFileSync(join(directory, name), 'utf8')

/** Answers in their order; what was asked is kept. */
function answers(...given: string[]): Questions & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    async ask(question) {
      asked.push(question)
      const answer = given.shift()
      if (answer === undefined) throw new Error(`nobody answers ${question}`)
      return answer
    },
  }
}

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener)
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const guarded: RequestListener = (request, response) => {
  const known = request.headers['x-key'] === 'the-value'
  response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' })
  response.end(JSON.stringify(known ? [{ id: 1 }, { id: 2 }] : { message: 'who are you?' }))
}

test('on a terminal it asks for the address, and for a credential where the API wants one', async () => {
  const url = await serve(guarded)
  variables = { MY_KEY: 'the-value' }
  const questions = answers(`${url}/v1/things`, 'a password', 'header:X-Key:MY_KEY')
  expect(await init(undefined, undefined, {}, questions)).toBe(0)
  expect(questions.asked).toEqual([
    'Address of a list, or an OpenAPI document (nothing: an example):',
    expect.stringMatching(/^Credential, by the names of variables that are set \(bearer:TOKEN_VARIABLE, /),
    expect.stringMatching(/^Credential/),
  ])
  expect(written).toMatch(/401.*who are you\?/)
  expect(written).toContain('--auth: write bearer:TOKEN_VARIABLE')
  const text = fileNamed('pipeline.yaml')
  expect(text).toContain('auth: { type: api_key, name: X-Key, key: "$' + '{env:MY_KEY}" }')
  expect(`${text}${written}`).not.toMatch(/the-value|a password/)
})

test('no answer to the question for a credential writes nothing, and says what was missing', async () => {
  const url = await serve(guarded)
  await expect(init(`${url}/v1/things`, undefined, {}, answers(''))).rejects.toThrow(
    /401.*No credential was sent\. Nothing was written: put the credential into an environment variable/,
  )
  expect(existsSync(join(directory, 'pipeline.yaml'))).toBe(false)
})

test('no answer to the question for an address writes the example', async () => {
  expect(await init(undefined, undefined, {}, answers(''))).toBe(0)
  expect(fileNamed('pipeline.ts')).toContain('track: rest({')
})

test('without a terminal nothing is asked, and the example is written', async () => {
  expect(await init(undefined, undefined, { format: 'yaml' }, undefined)).toBe(0)
  expect(fileNamed('pipeline.yaml')).toContain('  track:')
})

test('on a terminal the lists of a document can be chosen by number or name', async () => {
  writeFileSync(join(directory, 'api.yaml'), readFileSync('test/openapi/clinic.yaml'))
  const questions = answers('9', '1, find_by_status')
  expect(await init('api.yaml', 'chosen.ts', {}, questions)).toBe(0)
  expect(written).toContain('    1. owners  GET /owners  All owners\n')
  expect(written).toContain('there is no 9\n')
  const text = fileNamed('chosen.ts')
  expect(text).toMatch(/owners: \{[\s\S]*find_by_status: \{/)
  expect(text).not.toContain('visits: {')
  expect(text).toContain('// 2 of its 6 lists, as chosen.')
})

/** A document with two lists, at an API that wants a key and may refuse one of them. */
const paths = (...names: string[]) =>
  Object.fromEntries(
    names.map((name) => [
      `/${name}`,
      {
        get: {
          responses: {
            200: {
              content: {
                'application/json': {
                  schema: { type: 'array', items: { properties: { id: { type: 'integer' } } } },
                },
              },
            },
          },
        },
      },
    ]),
  )

async function documented(listener: RequestListener): Promise<void> {
  const url = await serve(listener)
  const document = {
    openapi: '3.0.0',
    info: { title: 'Shop' },
    servers: [{ url }],
    paths: paths('orders', 'refunds'),
    components: { securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } } },
  }
  writeFileSync(join(directory, 'shop.json'), JSON.stringify(document))
}

const probe = () => init('shop.json', undefined, { probe: true }, undefined)

test('--probe asks and writes nothing where a variable that the API needs is not set', async () => {
  let asked = 0
  await documented((_, response) => {
    asked++
    response.end('[]')
  })
  await expect(probe()).rejects.toThrow(
    '--probe: asks the API, which needs SHOP_API_KEY: not set, or empty. Nothing was asked or written: set it, name other variables with --auth, or leave --probe out',
  )
  expect({ asked, written: existsSync(join(directory, 'pipeline.yaml')) }).toEqual({
    asked: 0,
    written: false,
  })
})

test('--probe writes nothing where every list is refused, and says what was sent and where', async () => {
  variables = { SHOP_API_KEY: 'hush-hush' }
  await documented(guarded)
  const failure = await probe().catch((error: Error) => error.message)
  expect(failure).toMatch(
    /401: who are you\?\. What was sent: the value of SHOP_API_KEY, in the header X-Key\. Nothing was written: it may be incomplete or no longer valid, or the API wants it in another place/,
  )
  expect(failure).not.toContain('hush')
  expect(existsSync(join(directory, 'pipeline.yaml'))).toBe(false)
})

test('--probe writes what it could not confirm as the document has it, says which that is, and does not end well', async () => {
  variables = { SHOP_API_KEY: 'the-value' }
  await documented((request, response) => {
    response.writeHead(request.url === '/refunds' ? 403 : 200, { 'content-type': 'application/json' })
    response.end(request.url === '/refunds' ? '{"message":"no scope"}' : '[{"id":1},{"id":2}]')
  })
  expect(await probe()).toBe(1)
  expect(written).toContain('--probe asked for 2 of 2 lists; 1 answered.')
  expect(written).toContain('Written as the document has them, unconfirmed: refunds.')
  expect(fileNamed('pipeline.yaml')).toMatch(
    /# CHECK not confirmed, the first page could not be had: .*403.*no scope/,
  )
})

test('--probe does not end well where no list answered, and leaves the error as it is', async () => {
  variables = { SHOP_API_KEY: 'the-value' }
  await documented((_, response) => response.writeHead(404).end())
  await expect(probe()).rejects.toMatchObject({ code: 'HTTP_STATUS' })
  expect(existsSync(join(directory, 'pipeline.yaml'))).toBe(false)
})

test('what is left to the user is listed in one place, and editing is asked for only then', async () => {
  const bodies: Record<string, unknown> = {
    '/v1/plain': [{ id: 1 }],
    '/v1/coded': [{ code: 'x', name: 'a' }],
  }
  const url = await serve((request, response) => response.end(JSON.stringify(bodies[request.url ?? ''])))
  expect(await init(`${url}/v1/plain`, 'plain.yaml', {}, undefined)).toBe(0)
  expect(`${written}${fileNamed('plain.yaml')}`).not.toMatch(/CHECK|edit /)
  expect(await init(`${url}/v1/coded`, 'coded.yaml', {}, undefined)).toBe(0)
  expect(written).toContain(
    'To be settled before a run, at CHECK in coded.yaml:\n  - api.coded: key: by its name alone, since there is one record\n',
  )
  expect(written).toContain('  1. edit coded.yaml ')
  expect(fileNamed('coded.yaml')).toContain('# To be settled before a run, at CHECK: api.coded\n')
})

test('two fields together are no key of a few records, which are swapped in whole', async () => {
  const url = await serve((_, response) => response.end('[{"name":"a","day":"x"},{"name":"b","day":"y"}]'))
  expect(await init(`${url}/v1/few`, undefined, {}, undefined)).toBe(0)
  expect(fileNamed('pipeline.yaml')).toMatch(/write: replace/)
  expect(written).not.toContain('CHECK')
})

test('options that have no use for what the target is are refused', async () => {
  const url = await serve((_, response) => response.end('[{"id":1}]'))
  await expect(init(`${url}/v1/a`, undefined, { probe: true }, undefined)).rejects.toThrow(
    '--probe: is for an OpenAPI document, and the address answers a list, which has been asked for: leave it out',
  )
  await documented(guarded)
  await expect(init('shop.json', undefined, { key: ['id'] }, undefined)).rejects.toThrow(
    '--key: is for the address of a list, and shop.json is an OpenAPI document: leave it out',
  )
  await expect(init('new.yaml', undefined, { format: 'ts' }, undefined)).rejects.toThrow(
    '--format: new.yaml is no ts file: leave one of the two out',
  )
})

test('a folder in place of a document, and a folder that is not there, are told in words', async () => {
  const url = await serve((_, response) => response.end('[{"id":1}]'))
  await expect(init('.', 'new.yaml', {}, undefined)).rejects.toThrow('. is no OpenAPI document')
  await expect(init(`${url}/v1/a`, 'nowhere/new.yaml', {}, undefined)).rejects.toThrow(
    "nowhere/new.yaml can't be written (ENOENT): name another file, in a folder that is there",
  )
})
