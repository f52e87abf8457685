import { isSluiceError } from '../../errors.ts'
import { DestinationBusyError, DestinationError } from '../errors.ts'
import { fileHolder, heldBy } from './file-holder.ts'

/** What DuckDB's message begins with or holds, and what it means for who reads it. */
const CAUSES: readonly (readonly [pattern: RegExp, problem: (file: string) => string])[] = [
  [
    /No space left on device|Disk quota exceeded|out of disk|not enough disk space|max_temp_directory_size/i,
    () => 'the disk is full. Nothing of this commit was written; make room, then run again',
  ],
  [
    /File too large/i,
    (file) =>
      `${file} has reached the largest size that this user or file system allows. Nothing of this commit was written; raise the limit, then run again`,
  ],
  [
    /not a valid DuckDB database file/i,
    (file) => `${file} is not a DuckDB file. It was left as it is; give another path, or move it away`,
  ],
  [
    /checksum|corrupt|Serialization Error|could not deserialize|replaying WAL/i,
    (file) => `${file} is damaged. It was left as it is; restore a copy, or move it away and load anew`,
  ],
  [
    /attached in read-only mode/i,
    (file) => `${file} is open for reading alone. Write to it through a pipeline`,
  ],
  [
    /has been invalidated/i,
    () => 'a failure before this one has closed it. What was committed is kept; run again',
  ],
  [
    /read-only|Read-only file system|Permission denied|Operation not permitted/i,
    (file) =>
      `${file} can't be written. Give this user write access to it and to its directory, then run again`,
  ],
  [/Is a directory/i, (file) => `${file} is a directory. The path must name a file`],
  [
    /No such file or directory/i,
    (file) => `${file} can't be opened: its directory is not there. Make it, or give another path`,
  ],
  [
    /Out of Memory Error|failed to (pin|allocate)|could not allocate/i,
    () =>
      'DuckDB needs more memory. Raise memoryLimit or make batches smaller, then run again: nothing is loaded twice',
  ],
  [
    /newer version of DuckDB|storage version/i,
    (file) => `${file} was written by a newer DuckDB. Upgrade Sluice, or give another path`,
  ],
]

/** An error of DuckDB's as one of Sluice's; one of Sluice's as it is. */
export function explainFailure(error: unknown, destination: string, file: string): Error {
  if (isSluiceError(error)) return error
  // DuckDB's are plain errors; a TypeError is a fault of ours, which no one should look for in their file.
  if (error instanceof Error && error.constructor !== Error) return error
  const message = error instanceof Error ? error.message : String(error)
  const holder = fileHolder(error)
  if (holder !== undefined)
    return new DestinationBusyError(destination, heldBy(file, holder), { cause: error })
  const cause = CAUSES.find(([pattern]) => pattern.test(message))
  const problem = cause?.[1](file) ?? 'DuckDB refused a statement'
  return new DestinationError(destination, `${problem} (DuckDB: ${firstLine(message)})`, { cause: error })
}

/** What follows is the statement, and the value that it failed on: data, which has no place in a log. */
function firstLine(message: string): string {
  const line = message.split('\n', 1)[0]!.replace(/\s*Input: .*$/, '')
  return line.length > 300 ? `${line.slice(0, 300)}…` : line
}
