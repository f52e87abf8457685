import { oauth2Client, tokenStoreName } from '../../auth/oauth2.ts'
import type { StoredToken } from '../../auth/token-store.ts'
import { authContext } from '../../config/auth-context.ts'
import type { Pipeline } from '../../config/pipeline.ts'
import { type Surroundings, surround } from '../../config/surroundings.ts'
import { systemLookup } from '../../config/system-lookup.ts'
import { formatTable } from '../../observe/table.ts'
import { SecretMissingError } from '../../options/secret.ts'
import { exitCodes } from '../exit-code.ts'
import { loadNamedOrDefault } from '../pipeline-file.ts'

/** `sluice auth status`: each source's kind of credential, and what is stored of it; never the credential. */
export async function authStatusCommand(file: string | undefined): Promise<number> {
  const { pipeline, directory } = await loadNamedOrDefault(file)
  const around = surround({ directory, lookup: systemLookup })
  try {
    const sources = Object.entries(pipeline.sources)
    const rows = await Promise.all(sources.map(([name, settings]) => rowOf(name, settings, around)))
    const columns = ['source', 'credential', 'stored', 'access token'].map((title) => ({
      title,
      align: 'left' as const,
    }))
    process.stdout.write(`${formatTable(columns, rows).join('\n')}\n`)
    return exitCodes.done
  } finally {
    await around.close()
  }
}

async function rowOf(
  name: string,
  settings: Pipeline['sources'][string],
  around: Surroundings,
): Promise<string[]> {
  const { auth } = settings
  if (auth.type !== 'oauth2') return [name, auth.type, '–', '–']
  const kind = `oauth2 ${auth.grant}`
  const context = authContext(name, settings, around)
  let stored: StoredToken | undefined
  try {
    const store = tokenStoreName(auth, oauth2Client(auth, context))
    if (store === undefined) return [name, kind, '–', '–']
    stored = await around.tokenStore.read(store)
  } catch (error) {
    if (!(error instanceof SecretMissingError)) throw error
    return [name, kind, `${error.variable} is not set`, '–']
  }
  if (stored === undefined) {
    const missing = auth.grant === 'authorization_code' ? `nothing: sluice auth login ${name}` : 'nothing yet'
    return [name, kind, missing, '–']
  }
  const what = stored.refreshToken === undefined ? 'access token' : 'refresh token'
  return [
    name,
    kind,
    `${what}, since ${isoTime(stored.issuedAt)}`,
    lifeOf(stored, around.runtime.clock.now()),
  ]
}

function lifeOf({ expiresAt }: StoredToken, now: number): string {
  if (expiresAt === null) return 'good until it is refused'
  return `${expiresAt > now ? 'good until' : 'expired at'} ${isoTime(expiresAt)}`
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
