// Mutual TLS and certificates of one's own, for one source: which certificate its connections show, and which they trust.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { isoTime } from '../http/errors.ts'
import { lateSecret, type SecretContext } from '../options/late-secret.ts'
import { secret } from '../options/secret.ts'
import type { Clock, Runtime, TlsIdentity } from '../ports/runtime.ts'
import { privateKey } from './signing-key.ts'

const material = 'PEM, base64 of that, or the path of a file with it'

export const tlsOptions = z
  .strictObject({
    cert: secret
      .exactOptional()
      .describe(`The client's certificate, with those between it and the authority behind it: ${material}.`),
    key: secret.exactOptional().describe(`Its private key: ${material}.`),
    passphrase: secret.exactOptional().describe('Opens a private key that is encrypted.'),
    ca: secret
      .exactOptional()
      .describe(
        `Authorities to trust beside the well-known ones, for a server whose certificate is its own: ${material}.`,
      ),
    serverName: z
      .string()
      .min(1)
      .exactOptional()
      .describe(
        "The name that the server's certificate is checked against. Default: the host of the address.",
      ),
  })
  .check(({ value, issues }) => {
    const missing = (path: string, message: string) =>
      issues.push({ code: 'custom', path: [path], input: undefined, message })
    if (value.cert !== undefined && value.key === undefined)
      missing('key', 'a certificate needs its private key')
    if (value.cert === undefined && value.key !== undefined)
      missing('cert', 'a private key needs its certificate')
    if (value.passphrase !== undefined && value.key === undefined)
      missing('key', 'there is no key for the passphrase')
  })
export type TlsOptions = z.output<typeof tlsOptions>

/** What no path looks like: the shortest key, of Ed25519, is 64 characters of base64. */
function mayBeKey(text: string): boolean {
  return text.length > 200 || /^[A-Za-z0-9+/=\s]{60,}$/.test(text)
}

interface TlsContext extends SecretContext {
  readonly clock: Clock
  /** Where relative paths start. */
  readonly directory: string
}

/**
 * A runtime whose requests show the certificate, those for tokens included (RFC 8705). Its files are read with the first request,
 * which throws a ConfigError where a certificate or a key can't be used.
 */
export function withTls(
  options: TlsOptions | undefined,
  runtime: Runtime,
  around: Omit<TlsContext, 'clock'>,
): Runtime {
  if (options === undefined) return runtime
  let identity: TlsIdentity | undefined
  return {
    ...runtime,
    async transport(request, signal) {
      identity ??= load(options, { ...around, clock: runtime.clock })
      return runtime.transport({ ...request, tls: identity }, signal)
    },
  }
}

function load(options: TlsOptions, context: TlsContext): TlsIdentity {
  const place = (name: string) => `sources.${context.source}.tls.${name}`
  const cert = options.cert === undefined ? undefined : textOf(options.cert, 'cert')
  const ca = options.ca === undefined ? undefined : textOf(options.ca, 'ca')

  function textOf(value: NonNullable<TlsOptions['cert']>, name: string): string {
    const quiet = name === 'key' ? context : { ...context, onSecret() {} }
    const given = lateSecret(value, quiet)().trim()
    if (given.includes('-----BEGIN')) return given.replaceAll('\\n', '\n')
    const decoded = Buffer.from(given, 'base64').toString('latin1')
    if (decoded.includes('-----BEGIN')) return decoded
    let text: string
    try {
      text = readFileSync(resolve(context.directory, given), 'utf8')
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      // What is no path may be a key that was pasted without its first line (S1).
      const what = mayBeKey(given) ? 'the value' : `the file ${JSON.stringify(given)}`
      throw new ConfigError(place(name), `${what} can't be read (${code}): write ${material}`)
    }
    if (name === 'key') context.onSecret(text.trim())
    return text
  }

  function certificate(pem: string, name: string): X509Certificate {
    try {
      return new X509Certificate(pem)
    } catch {
      throw new ConfigError(place(name), `this is no certificate: write ${material}`)
    }
  }

  if (ca !== undefined) certificate(ca, 'ca')
  const server = options.serverName === undefined ? {} : { serverName: options.serverName }
  if (cert === undefined) return { ...server, ...(ca !== undefined && { ca }) }
  const passphrase = options.passphrase === undefined ? undefined : lateSecret(options.passphrase, context)()
  // Opened here, so that whatever is wrong with it is told by its option.
  const key = privateKey(textOf(options.key!, 'key'), passphrase, place('key'))
  const own = certificate(cert, 'cert')
  if (!own.checkPrivateKey(createPrivateKey(key.export({ type: 'pkcs8', format: 'pem' }))))
    throw new ConfigError(place('key'), 'the private key is not that of the certificate')
  const end = Date.parse(own.validTo)
  if (end <= context.clock.now())
    throw new ConfigError(place('cert'), `the certificate ended at ${isoTime(end)}: renew it`)
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString()
  context.onSecret(pem)
  return { ...server, cert, key: pem, ...(ca !== undefined && { ca }) }
}
