// The questions of `sluice init`, with scripted answers in place of a terminal.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Questions } from '../questions.ts'
import { initCommand } from './init.ts'

const cwd = process.cwd()
let directory: string
let written: string
let server: Server | undefined
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-init-'))
  process.chdir(directory)
  written = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  process.chdir(cwd)
  rmSync(directory, { recursive: true, force: true })
  server?.closeAllConnections()
  server?.close()
})

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
  vi.stubEnv('MY_KEY', 'the-value')
  const questions = answers(`${url}/v1/things`, 'a password', 'header:X-Key:MY_KEY')
  expect(await initCommand(undefined, undefined, {}, questions)).toBe(0)
  expect(questions.asked).toEqual([
    'Address of a list, or an OpenAPI document (nothing: an example):',
    expect.stringMatching(/^Credential, by the names of variables that are set \(bearer:TOKEN_VARIABLE, /),
    expect.stringMatching(/^Credential/),
  ])
  expect(written).toMatch(/401.*who are you\?/)
  expect(written).toContain('--auth: write bearer:TOKEN_VARIABLE')
  const text = readFileSync('pipeline.yaml', 'utf8')
  expect(text).toContain('auth: { type: api_key, name: X-Key, key: "$' + '{env:MY_KEY}" }')
  expect(`${text}${written}`).not.toMatch(/the-value|a password/)
})

test('no answer to the question for a credential writes nothing, and says what was missing', async () => {
  const url = await serve(guarded)
  await expect(initCommand(`${url}/v1/things`, undefined, {}, answers(''))).rejects.toThrow(
    /401.*Nothing was written: the API wants a credential; set its variable, and name it with --auth/,
  )
  expect(existsSync('pipeline.yaml')).toBe(false)
})

test('no answer to the question for an address writes the example', async () => {
  expect(await initCommand(undefined, undefined, {}, answers(''))).toBe(0)
  expect(readFileSync('pipeline.ts', 'utf8')).toContain('track: rest({')
})

test('without a terminal nothing is asked, and the example is written', async () => {
  expect(await initCommand(undefined, undefined, { format: 'yaml' }, undefined)).toBe(0)
  expect(readFileSync('pipeline.yaml', 'utf8')).toContain('  track:')
})

test('on a terminal the lists of a document can be chosen by number or name', async () => {
  writeFileSync('api.yaml', readFileSync(join(cwd, 'test/openapi/clinic.yaml')))
  const questions = answers('9', '1, find_by_status')
  expect(await initCommand('api.yaml', 'chosen.ts', {}, questions)).toBe(0)
  expect(written).toContain('    1. owners  GET /owners  All owners\n')
  expect(written).toContain('there is no 9\n')
  const text = readFileSync('chosen.ts', 'utf8')
  expect(text).toMatch(/owners: \{[\s\S]*find_by_status: \{/)
  expect(text).not.toContain('visits: {')
  expect(text).toContain('// 2 of its 6 lists, as chosen.')
})
