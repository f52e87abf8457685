import { isSluiceError } from '../../errors.ts'
import { DestinationError } from '../errors.ts'
import { CommitUnknown, LockTimeout } from './transaction-errors.ts'

/** SQLSTATE (PostgreSQL, Appendix A), and what it means for who reads it. Nothing of a transaction that failed is written. */
const STATES: Readonly<Record<string, string>> = {
  '53100': 'the server’s disk is full. Nothing of this commit was written; make room there, then run again',
  '53200':
    'the server is out of memory. Nothing of this commit was written; run again, with smaller batches if it persists',
  '53300': 'the server has no connection left. Raise max_connections or close others, then run again',
  '53400': 'a limit that the server’s configuration sets is reached. Raise it, then run again',
  '42501':
    'the user lacks a right. Grant it: CREATE on the schema (on the database where the schema is to be made), TEMPORARY on the database, and the tables must be the user’s own. Nothing of this commit was written',
  '28P01': 'the server refused the password. Correct it in the variable or the address that url names',
  '28000': 'the server refused the user. Correct it in url, or let it in by pg_hba.conf',
  '3D000': 'there is no such database. Create it, or correct url',
  '25006':
    'the server, or this session on it, takes no writes: it is a standby, or default_transaction_read_only is on. Name the primary in url',
  '40P01':
    'the server ended the commit because it and another session waited for each other. Nothing of it was written; run again',
  '40001': 'the server ended the commit because of another session’s. Nothing of it was written; run again',
  '57014':
    'the server cancelled a statement: it took longer than statementTimeout, or somebody cancelled it. Nothing of this commit was written; raise statementTimeout if the work needs that long, then run again',
  '54011':
    'the table would have more columns than the 1,600 that PostgreSQL allows. Leave fields out with a transform',
  '2BP01':
    'something depends on the table, such as a view, and stands in the way of replacing it. Drop it, then run again; make it anew behind that',
  '0A000':
    'PostgreSQL can’t do this to the table, most often since a view shows a column that is to be widened. Drop the view, then run again; make it anew behind that',
  '54000': 'a row is larger than PostgreSQL allows. Leave large fields out with a transform',
  '54001': 'a value is nested too deeply for the server. Raise its max_stack_depth',
  '22P05': "a text can’t be written in the database’s encoding. Create the database with ENCODING 'UTF8'",
  '57P03': 'the server is starting or stopping. Run again when it is up',
}

/** What ends a connection, beside the class 08. */
const ENDING_STATES = new Set(['57P01', '57P02', '57P05', '25P03'])

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOENT',
  'EACCES',
])

const LOST = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
  'ECONNABORTED',
])

/** True for what a connection that is gone fails with. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error)
  if (isSqlState(error)) return code.startsWith('08') || ENDING_STATES.has(code)
  if (LOST.has(code) || UNREACHABLE.has(code)) return true
  return /Connection terminated|Client (was closed|has encountered a connection error)|not queryable/i.test(
    messageOf(error),
  )
}

/**
 * An error of pg's as one of Sluice's; one of Sluice's as it is.
 */
export function explainFailure(error: unknown, destination: string): Error {
  if (isSluiceError(error)) return error
  if (error instanceof LockTimeout) return explainLock(error, destination)
  if (error instanceof CommitUnknown)
    return new DestinationError(
      destination,
      'the connection to the server was lost while a change was being committed, so it is not known whether that came through. Run again: it goes on from what is committed',
      { cause: error.cause },
    )
  const problem = problemOf(error)
  // A fault of ours: no one should look for it in their database.
  if (problem === undefined) return error instanceof Error ? error : new Error(String(error))
  return new DestinationError(destination, `${problem} (${sayer(error)}: ${firstLine(error)})`, {
    cause: error,
  })
}

function problemOf(error: unknown): string | undefined {
  const code = codeOf(error)
  const message = messageOf(error)
  if (/client password must be a string|empty password/i.test(message))
    return 'the server asks for a password, and url has none. Add it'
  if (isSqlState(error) && code in STATES) return STATES[code]
  if (error instanceof Error && 'syscall' in error && error.syscall === 'open')
    return 'a file that url names, such as that of sslrootcert, can’t be read. Correct its path, or give this user access'
  if (/Using sslmode=verify-ca requires/.test(message))
    return 'sslmode=verify-ca takes the file of an authority. Name it with sslrootcert in url, or write sslmode=verify-full'
  if (UNREACHABLE.has(code) || /timeout expired|connection timeout/i.test(message))
    return 'the server can’t be reached. See whether it runs, and whether url names its host and port'
  if (/does not support SSL/i.test(message))
    return 'the server speaks no TLS, and url asks for it. Set sslmode=disable in url if the way to it is safe'
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|TLS/.test(code))
    return 'the server’s certificate is not trusted. Name its authority with sslrootcert in url, or ask for less with sslmode=require'
  if (isConnectionLost(error))
    return 'the connection to the server was lost. Nothing of this commit was written; run again, it goes on from the last commit'
  return isSqlState(error) ? 'the server refused a statement' : undefined
}

function explainLock({ holders, cause }: LockTimeout, destination: string): Error {
  const who = holders === '' ? '' : ` Locks there are held by ${holders}.`
  return new DestinationError(
    destination,
    `a lock that somebody else holds was not free within lockTimeout.${who} Nothing of this commit was written; run again once they are through (${sayer(cause)}: ${firstLine(cause)})`,
    { cause },
  )
}

function sayer(error: unknown): string {
  return isSqlState(error) ? `PostgreSQL ${codeOf(error)}` : 'pg'
}

function isSqlState(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && /^[0-9A-Z]{5}$/.test(codeOf(error))
}

/** SQLSTATE, or Node's code. Where several addresses were tried, that of the first one. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError && !('code' in error)) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}

/** Without the value that a statement failed on: data, which has no place in a log. */
function firstLine(error: unknown): string {
  const line = messageOf(error).split('\n', 1)[0]!
  const text = codeOf(error).startsWith('22') ? line.replace(/: ".*$/, '') : line
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
