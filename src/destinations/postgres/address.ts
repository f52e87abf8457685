import { ConfigError } from '../../errors.ts'

/**
 * The address of a database, looked at before anything is connected.
 * @throws ConfigError where it is none. It is not quoted: a password may be in it (S1)
 */
export function addressOf(text: string): string {
  if (parse(text) !== undefined) return text
  throw new ConfigError(
    'destination.url',
    'it is no address of a PostgreSQL database. Write postgres://user:password@host:5432/database, with special characters in the ' +
      'password as %XX (it is not shown here, for the password that may be in it)',
  )
}

/** For messages: `postgres warehouse.example.com:5432/analytics`. */
export function describeAddress(text: string): string {
  const url = parse(text)
  if (url === undefined) return 'postgres'
  const host = url.searchParams.get('host') ?? url.hostname
  const database = url.pathname.slice(1) || url.searchParams.get('dbname') || url.username
  return `postgres ${host || 'localhost'}:${url.port || '5432'}/${database}`
}

function parse(text: string): URL | undefined {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  try {
    for (const part of [url.username, url.password, url.pathname]) decodeURIComponent(part)
  } catch {
    return undefined
  }
  return url
}
