import type { Clock } from '../../ports/runtime.ts'

/** The process that holds a DuckDB file. */
export interface FileHolder {
  /** As in `/usr/bin/python3.12 (PID 4711)`; `undefined` where the system does not tell. */
  readonly name: string | undefined
  /** It has opened the file for reading alone. Known only of a file that one wants to write. */
  readonly reads: boolean
}

/** Who holds the file, as DuckDB's refusal to open it says; `undefined` where it is refused for another reason. */
export function fileHolder(error: unknown): FileHolder | undefined {
  const message = error instanceof Error ? error.message : String(error)
  if (!/Could not set lock on file/i.test(message)) return undefined
  const name = /lock is held in (.*?\(PID \d+\)(?: by user \S+)?)/.exec(message)?.[1]?.replace(/[.,]$/, '')
  // DuckDB has tried it with a lock for reading.
  return { name, reads: /able to open this database in read-only mode/i.test(message) }
}

/** As in `warehouse.duckdb is open by /usr/bin/python3.12 (PID 4711)`. */
export function heldBy(file: string, { name, reads }: FileHolder): string {
  return `${file} is open${reads ? ' for reading' : ''}${name === undefined ? '' : ` by ${name}`}`
}

/** The file is waited for. */
export interface FileWait {
  /** As in `warehouse.duckdb is open for reading by /usr/bin/python3.12 (PID 4711)`. */
  readonly reason: string
  readonly atMostMs: number
}

export interface FreeOptions {
  readonly clock: Clock
  readonly atMostMs: number
  readonly mayWait: (holder: FileHolder) => boolean
  /** Told once, when the wait begins. */
  readonly onWait: (holder: FileHolder) => void
  /** What is thrown when the wait was in vain. */
  readonly gaveUp: (holder: FileHolder, cause: unknown) => Error
}

/** How often it is tried: soon at first, for most hold a file for a moment. In milliseconds. */
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 1000

/** Opens a file, and waits for whoever holds it. The system has no queue for it: it is tried again and again. */
export async function whenFree<Opened>(
  open: () => Promise<Opened>,
  { clock, atMostMs, mayWait, onWait, gaveUp }: FreeOptions,
): Promise<Opened> {
  const end = clock.now() + atMostMs
  for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(2 * delayMs, LONGEST_RETRY_MS)) {
    try {
      return await open()
    } catch (error) {
      const holder = fileHolder(error)
      if (holder === undefined || atMostMs === 0 || !mayWait(holder)) throw error
      const leftMs = end - clock.now()
      if (leftMs <= 0) throw gaveUp(holder, error)
      if (delayMs === FIRST_RETRY_MS) onWait(holder)
      await clock.sleep(Math.min(delayMs, leftMs))
    }
  }
}
