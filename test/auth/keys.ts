// Keys for tests, made once a process.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'

interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

const made = new Map<string, KeyPair>()

function once(name: string, make: () => KeyPair): KeyPair {
  const pair = made.get(name) ?? make()
  made.set(name, pair)
  return pair
}

export const rsaKeys = () => once('rsa', () => generateKeyPairSync('rsa', { modulusLength: 2048 }))
export const ecKeys = (namedCurve: 'P-256' | 'P-384' | 'P-521') =>
  once(namedCurve, () => generateKeyPairSync('ec', { namedCurve }))
export const edKeys = () => once('ed25519', () => generateKeyPairSync('ed25519'))

/** A private key in PEM, PKCS#8. */
export const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
