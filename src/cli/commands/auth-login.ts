import { login } from '../../auth/login.ts'
import { authContext } from '../../config/auth-context.ts'
import { surround } from '../../config/surroundings.ts'
import { systemLookup } from '../../config/system-lookup.ts'
import { ConfigError } from '../../errors.ts'
import { nearest } from '../../options/nearest.ts'
import { exitCodes } from '../exit-code.ts'
import { interruption } from '../interruption.ts'
import { loadNamedOrDefault } from '../pipeline-file.ts'

/** `sluice auth login SOURCE`: shows an address, waits for a user to log in there, and keeps what the server grants. */
export async function authLoginCommand(source: string, file: string | undefined): Promise<number> {
  const { pipeline, directory } = await loadNamedOrDefault(file)
  const settings = pipeline.sources[source]
  if (settings === undefined) {
    const names = Object.keys(pipeline.sources)
    const near = nearest(source, names)
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    throw new ConfigError(
      '',
      `there is no source ${JSON.stringify(source)}${hint} (there are ${names.join(', ')})`,
    )
  }
  const { auth } = settings
  if (auth.type !== 'oauth2' || auth.grant !== 'authorization_code') {
    const kind = auth.type === 'oauth2' ? `the grant ${auth.grant}` : auth.type
    throw new ConfigError(
      `sources.${source}.auth`,
      `${kind} needs no login: that is for \`type: oauth2\` with \`grant: authorization_code\``,
    )
  }
  const around = surround({ directory, lookup: systemLookup })
  const interrupted = interruption()
  try {
    const token = await login(auth, authContext(source, settings, around), {
      signal: interrupted.signal,
      show: (url) =>
        process.stdout.write(`Open this address in a browser of this machine, and log in:\n\n  ${url}\n\n`),
    })
    const ends = token.expiresAt === null ? '' : ` until ${new Date(token.expiresAt).toISOString()}`
    process.stdout.write(
      `${source}: logged in. ${
        token.refreshToken === undefined
          ? `The server gave no refresh token: runs can read${ends || ' until the token is refused'}. Some servers give one for the scope offline_access, or for authorizationParams such as access_type: offline`
          : 'Runs renew the token by themselves'
      }\n`,
    )
    return exitCodes.done
  } finally {
    interrupted.dispose()
    await around.close()
  }
}
