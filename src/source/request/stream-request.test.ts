import { expect, test } from 'vitest'
import { parseSecret } from '../../options/secret.ts'
import type { StreamSettings } from '../rest-options.ts'
import { streamRequest } from './stream-request.ts'

// biome-ignore lint/suspicious/noTemplateCurlyInString: variables as YAML spells them
const texts = ['bot${env:TOKEN}/find/{parent.name}', { a: ['${env:KEY}', '{parent.name}'] }] as const

test('a value of a record that looks like the mark of a secret does not get the secret into the request (S1)', () => {
  const [path, body] = texts
  const settings = {
    path: parseSecret(path),
    body: { a: body.a.map(parseSecret) },
    quotas: [],
  } as never as StreamSettings
  const { template } = streamRequest(settings, {})
  expect(template.fill({ parent: { name: 'ann' } })).toMatchObject({
    url: 'bot***TOKEN***/find/ann',
    body: { a: ['***KEY***', 'ann'] },
  })
  for (const name of ['***TOKEN***', 'x***KEY***y']) {
    expect(() => template.fill({ parent: { name } })).toThrow(
      'a value that a placeholder stands for holds ***TOKEN*** or ***KEY***, which stands for a secret in this request: the request is not made',
    )
  }
  expect(template.fill({ parent: { name: '***OTHER***' } })).toMatchObject({
    url: 'bot***TOKEN***/find/***OTHER***',
  })
})
