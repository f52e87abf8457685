// Keys as people have them: PEM with its lines joined by an environment variable, base64 of PEM or of DER, a JWK, a plain text.
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'

/** How a key that is a text stands for bytes. */
export const keyEncoding = z
  .enum(['text', 'base64', 'hex'])
  .default('text')
  .describe('How `key` stands for the bytes of a shared key (HS…, HMAC). Default: text.')

export type KeyEncoding = z.output<typeof keyEncoding>

/**
 * The bytes of a shared key.
 * @throws ConfigError that does not quote it (S1)
 */
export function sharedKey(text: string, encoding: KeyEncoding, option: string): Uint8Array {
  if (encoding === 'text') return Buffer.from(text)
  const compact = text.replace(/\s+/g, '')
  const pattern = encoding === 'hex' ? /^([0-9a-fA-F]{2})+$/ : /^[A-Za-z0-9+/_-]+={0,2}$/
  if (pattern.test(compact)) return Buffer.from(compact, encoding)
  throw new ConfigError(
    option,
    `the key is not written in ${encoding}, as keyEncoding says: check which of text, base64 and hex it is`,
  )
}

/**
 * A private key: PEM (PKCS#8, PKCS#1, SEC 1; its line breaks may be written as `\n` or have become spaces), base64 of PEM or DER, or a JWK.
 * @throws ConfigError that does not quote it (S1)
 */
export function privateKey(text: string, passphrase: string | undefined, option: string): KeyObject {
  const found = text.trim()
  if (found.startsWith('{')) return jwk(found, option)
  const pem = pemOf(found) ?? pemOf(Buffer.from(found, 'base64').toString('latin1'))
  if (pem !== undefined) return fromPem(pem, passphrase, option)
  const der = Buffer.from(found, 'base64')
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({
        key: der,
        format: 'der',
        type,
        ...(passphrase !== undefined && { passphrase }),
      })
    } catch {
      // The next form.
    }
  }
  throw notAKey(option)
}

/**
 * The PEM block of a text, its lines as they have to be; `undefined` where there is none. Of several it is the one with the private key: files hold
 * the certificate, too, or the parameters of the curve.
 */
function pemOf(text: string): string | undefined {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g)]
  const match = blocks.find(([, label]) => label!.endsWith('PRIVATE KEY')) ?? blocks[0]
  if (match === undefined) return undefined
  const [, label, content = ''] = match
  const body = content.replaceAll('\\r', '').replaceAll('\\n', '\n')
  // A key that is encrypted in OpenSSL's own way has headers, whose lines matter.
  const inner = body.includes(':') ? body.trim() : body.replace(/\s+/g, '').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN ${label}-----\n${inner}\n-----END ${label}-----\n`
}

function fromPem(pem: string, passphrase: string | undefined, option: string): KeyObject {
  if (/-----BEGIN (PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE)/.test(pem)) {
    throw new ConfigError(option, 'this is a public key or a certificate: to sign, the private key is needed')
  }
  try {
    return createPrivateKey({ key: pem, ...(passphrase !== undefined && { passphrase }) })
  } catch (error) {
    // The cause could name parts of the key; its code tells enough.
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const encrypted = /ENCRYPTED/.test(pem)
    if (encrypted && passphrase === undefined) {
      throw new ConfigError(option, 'the private key is encrypted: set its passphrase')
    }
    if (encrypted) throw new ConfigError(option, `the passphrase does not open the private key (${code})`)
    throw notAKey(option)
  }
}

function jwk(text: string, option: string): KeyObject {
  try {
    return createPrivateKey({ key: JSON.parse(text), format: 'jwk' })
  } catch {
    throw notAKey(option)
  }
}

function notAKey(option: string): ConfigError {
  return new ConfigError(
    option,
    'this is no private key: it is PEM (-----BEGIN PRIVATE KEY-----), base64 of that, or a JWK. Where it comes from a variable, check that it arrived whole',
  )
}
