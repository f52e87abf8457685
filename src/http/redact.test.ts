import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRedactor } from './redact.ts'

test('S1: a secret is replaced in every form that it travels in', () => {
  const secret = 'p/q+r "s"=é'
  const redactor = createRedactor([secret])
  for (const form of [
    secret,
    encodeURIComponent(secret),
    encodeURIComponent(secret).replaceAll('%20', '+'),
    JSON.stringify(secret).slice(1, -1),
  ])
    expect(redactor.text(`before ${form} after`)).toBe('before *** after')
})

test('S1: base64 does not hide it, wherever in the text it begins', () => {
  const secret = 'correct horse battery'
  const redactor = createRedactor([secret])
  for (const user of ['', 'a:', 'ab:', 'abc:', 'someone@acme.test/token:']) {
    const shown = redactor.text(Buffer.from(`${user}${secret}:more`).toString('base64'))
    expect(shown).toContain('***')
    expect(Buffer.from(shown, 'base64').toString()).not.toContain('horse')
  }
})

test('S1: no text that holds a secret shows it', () => {
  const secret = fc.string({ minLength: 4 }).filter((text) => !'***'.includes(text.trim()))
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (secret, before, after) => {
      const redactor = createRedactor([secret])
      for (const form of [secret, encodeURIComponent(secret)])
        expect(redactor.text(`${before}|${form}|${after}`)).toContain('***')
    }),
  )
})

test('secrets can be added later; old tokens make room for new ones, the first secrets stay', () => {
  const redactor = createRedactor(['the-client-secret'])
  const token = (count: number) => `token-${String(count).padStart(4, '0')}`
  expect(redactor.text(token(100))).toBe('token-0100')
  for (let count = 0; count < 300; count++) redactor.add(token(count))
  expect(redactor.text(`${token(299)} ${token(290)} the-client-secret`)).toBe('*** *** ***')
  expect(redactor.text(token(200))).toBe('token-0200')
})

test('S1: a hundred credentials that ask in turn stay known, however many tokens come after them', () => {
  const redactor = createRedactor()
  const keys = Array.from({ length: 100 }, (_, at) => `key-of-account-${at}!`)
  for (const key of keys) redactor.add(key)
  for (let count = 0; count < 500; count++) redactor.add(`token-number-${count}`)
  expect(keys.map((key) => redactor.text(key)).filter((text) => text !== '***')).toEqual([])
})

test('credentials are known by their scheme, prose is not mistaken for one', () => {
  const redactor = createRedactor()
  expect(redactor.text('authorization: Bearer eyJhbGciOi.J9 sent')).toBe('authorization: Bearer *** sent')
  expect(redactor.text('Basic dXNlcjpwYXNz')).toBe('Basic ***')
  expect(redactor.text('the Bearer token is missing; Basic authentication')).toBe(
    'the Bearer token is missing; Basic authentication',
  )
})

test('a URL loses its password and the parameters that hold credentials by their name', () => {
  const redactor = createRedactor(['tok-in-path'])
  expect(
    redactor.url(
      'https://user:pass@api.test/bot/tok-in-path/x?Access_Token=abc&cursor=a%3D&api%5Fkey=1&page_token=2',
    ),
  ).toBe('https://***@api.test/bot/***/x?Access_Token=***&cursor=a%3D&api%5Fkey=***&page_token=2')
  expect(redactor.url('https://api.test/users/a@b.test?email=a@b.test')).toBe(
    'https://api.test/users/a@b.test?email=a@b.test',
  )
})

test('a value too short to be a secret is left alone', () => {
  expect(createRedactor(['X', '']).text('X marks eXactly')).toBe('X marks eXactly')
})

test('an error is redacted with its stack, its text fields and its causes', () => {
  const cause = new Error('inner hush-hush')
  const error = Object.assign(new Error('outer hush-hush', { cause }), {
    url: 'https://api.test/?token=abc',
    excerpt: 'says hush-hush',
  })
  cause.cause = error
  const redacted = createRedactor(['hush-hush']).error(error)
  expect(redacted).toBe(error)
  expect(error).toMatchObject({
    message: 'outer ***',
    url: 'https://api.test/?token=***',
    excerpt: 'says ***',
  })
  expect(cause.message).toBe('inner ***')
  expect(error.stack).not.toContain('hush')
})

test('a URL that is stored loses its user and the parameters that are a known secret, and nothing else', () => {
  const redactor = createRedactor(['long-api-key-0123456789', 'page'])
  const url = 'https://api.test/items?cursor=a%2Fb&access_token=long-api-key-0123456789&sort=page&token=page'
  expect(redactor.withoutSecrets(url)).toBe('https://api.test/items?cursor=a%2Fb&sort=page')
  expect(redactor.withoutSecrets('https://u:p@api.test/items?key=long-api-key-0123456789')).toBe(
    'https://api.test/items',
  )
  // A signature of the API's own is needed to go on.
  expect(redactor.withoutSecrets('https://api.test/items?sig=abc&after=2')).toBe(
    'https://api.test/items?sig=abc&after=2',
  )
})

test('S1: a JSON document that is quoted inside another does not hide it', () => {
  const secret = 'back\\slash and "quote"'
  const quoted = JSON.stringify({ message: JSON.stringify({ key: secret }) })
  const text = createRedactor([secret]).text(quoted)
  expect(text).toContain('***')
  expect(text).not.toContain('slash and')
})

test('S1: a token of any length is replaced', () => {
  const token = 'x"7/'.repeat(200_000)
  const redactor = createRedactor([token, 'another secret'])
  expect(redactor.text(`before ${token} after another secret`)).toBe('before *** after ***')
  expect(createRedactor([token]).text('nothing of it')).toBe('nothing of it')
})

test('a text of many words that could begin a credential is gone through once', () => {
  const text = 'bearer+'.repeat(200_000)
  expect(createRedactor().text(text)).toBe(text)
})
