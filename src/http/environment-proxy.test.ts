import { expect, test } from 'vitest'
import { type Environment, environmentProxy } from './environment-proxy.ts'

const originFor = (environment: Environment, url: string) =>
  environmentProxy(environment)(new URL(url))?.origin
const both = { HTTP_PROXY: 'http://plain.example.net:3128', HTTPS_PROXY: 'http://tls.example.net:3128' }

test('the variable of the scheme names the proxy, and no other', () => {
  expect(originFor(both, 'http://api.example.com/')).toBe('http://plain.example.net:3128')
  expect(originFor(both, 'https://api.example.com/')).toBe('http://tls.example.net:3128')
  expect(originFor({ HTTP_PROXY: both.HTTP_PROXY }, 'https://api.example.com/')).toBeUndefined()
  expect(originFor({}, 'https://api.example.com/')).toBeUndefined()
})

test('lower case goes before upper case, also where it is set to nothing; a scheme may be left out', () => {
  expect(originFor({ ...both, https_proxy: 'small.example.net:80' }, 'https://api.example.com/')).toBe(
    'http://small.example.net',
  )
  expect(originFor({ ...both, https_proxy: '' }, 'https://api.example.com/')).toBeUndefined()
})

test('user and password become a header, and are no part of the origin', () => {
  const proxy = environmentProxy({ https_proxy: 'http://me:p%40ss@proxy.example.net:1' })(
    new URL('https://api.example.com'),
  )
  expect(proxy).toEqual({
    origin: 'http://proxy.example.net:1',
    authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
  })
})

test.each([
  ['api.example.com', 'https://api.example.com/', true],
  ['API.example.com', 'https://api.example.com/', true],
  ['example.com', 'https://api.example.com/', true],
  ['.example.com', 'https://api.example.com/', true],
  ['*.example.com', 'https://api.example.com/', true],
  ['example.com', 'https://anexample.com/', false],
  ['example.com:8443', 'https://api.example.com:8443/', true],
  ['example.com:8443', 'https://api.example.com/', false],
  ['example.com:443', 'https://api.example.com/', true],
  ['*', 'https://api.example.com/', true],
  ['one.example.net two.example.net,api.example.com', 'https://api.example.com/', true],
  ['10.0.0.7', 'https://10.0.0.7/', true],
  ['10.0.0.0/8', 'https://10.200.0.7/', true],
  ['10.0.0.0/8', 'https://11.0.0.7/', false],
  ['fd00::/8', 'https://[fd12::1]/', true],
  ['fd12::1', 'https://[fd12::1]/', true],
  ['[fd12::1]:443', 'https://[fd12::1]/', true],
  ['7', 'https://10.0.0.7/', false],
  ['10.0.0.0/99', 'https://10.0.0.1/', false],
])('NO_PROXY=%s: %s is asked directly: %s', (list, url, isDirect) => {
  expect(originFor({ ...both, NO_PROXY: list }, url) === undefined).toBe(isDirect)
})

test.each(['http://localhost:8080/', 'http://127.0.0.1:1/', 'https://[::1]/'])(
  'this machine, as %s, is asked directly',
  (url) => {
    expect(originFor(both, url)).toBeUndefined()
  },
)

test.each([
  ['socks5://me:hush@proxy.example.net', 'a proxy is spoken to by http or https, not by socks5'],
  ['http://me:hush@proxy.example.net/path', 'the address of a proxy ends with its port'],
  ['http://me:hush@', 'the address of the proxy is no URL'],
])('%s is refused by the name of its variable, and not quoted', (value, problem) => {
  const find = environmentProxy({ HTTPS_PROXY: value })
  expect(() => find(new URL('https://api.example.com/'))).toThrow(
    `HTTPS_PROXY: ${problem}: write "http://proxy.example.com:3128"`,
  )
  expect(() => find(new URL('https://api.example.com/'))).not.toThrow('hush')
})
