// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to variables are what is tested
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { address, isSecret, secret, textOrSecret } from './secret.ts'

const problemOf = (schema: { safeParse(value: unknown): { error?: unknown } }, text: string) =>
  JSON.stringify(schema.safeParse(text).error ?? null)

describe('a secret that names a variable in a way that is none', () => {
  test.each([
    ['${env:MY-TOK}', '${env:MY_TOK}'],
    ['${env.TOK}', '${env:TOK}'],
    ['${secret:TOK}', '${env:TOK}'],
    ['${{ secrets.TOK }}', '${env:TOK}'],
    ['{{ env.TOK }}', '${env:TOK}'],
    ['$TOK', '${env:TOK}'],
    ['%TOK%', '${env:TOK}'],
    ['env:TOK', '${env:TOK}'],
    ['$env:TOK', '${env:TOK}'],
    ['${env:1TOK}', '${env:NAME}'],
    ['${env:TOK:-x}', '${env:NAME}'],
    ['${env:TOK', '${env:NAME}'],
    ['${env:}', '${env:NAME}'],
    ['${my.token}', '${env:NAME}'],
    ['${env:A}${B-C}', '${env:NAME}'],
  ])('is refused: %s', (written, right) => {
    expect(problemOf(secret, written)).toContain(`would be taken as it stands: write ${right}`)
  })

  test('is quoted only where it names a variable and nothing else (S1)', () => {
    const problem = problemOf(secret, 'hunter2${env:TOK:-hunter3}hunter4 ${hunter5')
    expect(problem).not.toContain('hunter')
    expect(problem).toContain(
      '`${` begins what is no reference to a variable, and would be taken as it stands: write ${env:NAME}, where NAME is of letters, digits and _, begins with no digit and has nothing beside it',
    )
  })
})

test('a text beside the secrets may have any form but `${`, as headers and queries do', () => {
  for (const text of ['$TOK', '{{ env.TOK }}', 'env:TOK', '50%', ''])
    expect(textOrSecret.parse(text)).toBe(text)
  for (const text of ['a ${env:MY-TOK}', '${env:TOK', '${x y}'])
    expect(problemOf(textOrSecret, text)).toContain('would be taken as it stands')
})

test('whatever has no `${` in it and is no whole reference is a literal secret', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      fc.pre(!text.includes('${') && !/^\$|^%|^env:|^\s*\{\{/i.test(text))
      expect(secret.parse(text)).toBe(text)
    }),
  )
  expect(isSecret(secret.parse('a${env:A}b${env:B_2}'))).toBe(true)
})

test('an address with a user name or a password in it is refused, and neither is quoted (S1)', () => {
  for (const text of [
    'https://user:hunter2@api.test/v1',
    'http://hunter2@api.test',
    'https://${env:U}:hunter2@api.test',
  ]) {
    const problem = problemOf(address, text)
    expect(problem).toContain('write `auth: { type: basic, username: …, password: … }`')
    expect(problem).not.toContain('hunter2')
  }
  expect(address.parse('https://api.test/@me')).toBe('https://api.test/@me')
})
