import { resolve } from 'node:path'
import { ConfigError } from '../../../errors.ts'
import { systemRuntime } from '../../../http/system-runtime.ts'
import { isSecret, revealSecret, type Secret, type SecretLookup } from '../../../options/secret.ts'
import type { Runtime } from '../../../ports/runtime.ts'
import { bucketPlace, type FilesOptions } from '../options.ts'
import { DiskStore } from './disk-store.ts'
import type { ObjectStore } from './object-store.ts'
import { S3Store } from './s3-store.ts'

export interface StoreSurroundings {
  readonly runtime?: Runtime
  readonly lookup: SecretLookup
  readonly directory: string
}

/** Where the files are, for messages. */
export function describeStore({ path }: FilesOptions, directory: string): string {
  return `files ${bucketPlace(path) === undefined ? resolve(directory, path) : path}`
}

/**
 * The store that the options name. Nothing is asked of it yet.
 * @throws ConfigError, SecretMissingError
 */
export function openStore(
  options: FilesOptions,
  { runtime, lookup, directory }: StoreSurroundings,
): { readonly store: ObjectStore; readonly runtime: Runtime } {
  const own = runtime === undefined ? systemRuntime() : undefined
  const world = runtime ?? own!
  const place = bucketPlace(options.path)
  if (place === undefined)
    return { store: new DiskStore(resolve(directory, options.path), world), runtime: world }
  const { endpoint, pathStyle = endpoint !== undefined } = options
  const store = new S3Store(
    place,
    {
      description: describeStore(options, directory),
      endpoint: endpoint === undefined ? undefined : revealSecret(endpoint, lookup).replace(/\/+$/, ''),
      region: options.region ?? lookup('AWS_REGION') ?? lookup('AWS_DEFAULT_REGION') ?? 'us-east-1',
      pathStyle,
      credentials: credentialsOf(options, lookup),
    },
    world,
    async () => own?.transport.close(),
  )
  return { store, runtime: world }
}

/** Looked up once, when the store is opened: what is missing is told before anything is read. */
function credentialsOf(options: FilesOptions, lookup: SecretLookup) {
  const reveal = (option: 'accessKeyId' | 'secretAccessKey', variable: string) => {
    const value: Secret | string | undefined = options[option]
    const found = value === undefined ? lookup(variable) : revealSecret(value, lookup)
    if (found) return found
    const named = isSecret(value) ? value.variables.join(', ') : variable
    throw new ConfigError(
      `destination.${option}`,
      `a bucket needs credentials, and ${named} is not set: set it, or name another variable as in \`${option}: \${env:NAME}\``,
    )
  }
  const accessKeyId = reveal('accessKeyId', 'AWS_ACCESS_KEY_ID')
  const secretAccessKey = reveal('secretAccessKey', 'AWS_SECRET_ACCESS_KEY')
  const own = options.sessionToken === undefined ? undefined : revealSecret(options.sessionToken, lookup)
  const sessionToken = own ?? (options.accessKeyId === undefined ? lookup('AWS_SESSION_TOKEN') : undefined)
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
  return () => credentials
}
