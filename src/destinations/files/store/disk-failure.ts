import { DestinationError } from '../../errors.ts'

const advice: Readonly<Record<string, string>> = {
  EACCES: 'this user has no permission there: let it write the folder, or choose another path',
  EPERM:
    'the file system refuses it: Sluice needs a folder that it may write, on a file system with hard links',
  EROFS: 'the file system is read-only: choose another path',
  ENOSPC: 'the disk is full: nothing of this load was published. Make room, then run again',
  EDQUOT: 'the quota of this disk is used up: nothing of this load was published. Make room, then run again',
  ENOTDIR: 'a part of the path is a file: choose another path',
  EMFILE: 'too many files are open',
  ENOTSUP: 'the file system has no hard links, by which a commit is published whole: choose another one',
}

/** What a failed call of the file system means. */
export function explainDisk(
  error: unknown,
  description: string,
  what: 'read' | 'write' | 'delete',
  path: string,
): unknown {
  const code = codeOf(error)
  if (code === undefined) return error
  return new DestinationError(
    description,
    `can't ${what} ${path} (${code}); ${advice[code] ?? (error as Error).message}`,
    { cause: error },
  )
}

/** DuckDB tells what failed in words alone. */
function codeOf(error: unknown): string | undefined {
  const { code, syscall, message } = error as NodeJS.ErrnoException
  if (code !== undefined && syscall !== undefined) return code
  if (!/^IO Error/.test(message)) return undefined
  if (/no space left/i.test(message)) return 'ENOSPC'
  return /permission denied/i.test(message) ? 'EACCES' : 'EIO'
}
