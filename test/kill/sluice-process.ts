// `sluice` as a process of its own: what a scheduler would start.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** What is built; for many processes the same as one file, which starts twice as fast. */
export const cliFile = resolve(
  process.env['SLUICE_CLI'] ?? fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url)),
)
const killAt = new URL('./kill-at.mjs', import.meta.url).href
const peakMemory = new URL('../memory/peak.mjs', import.meta.url).href

/** A place in the process's life, given as the n-th SQL statement that matches. */
export interface KillPoint {
  /** A regular expression over the statement, its white space squeezed. */
  readonly statement: string
  /** From 1. */
  readonly occurrence: number
  readonly when: 'before' | 'during' | 'after'
  /** With `during`: how long DuckDB works before the end, in microseconds. */
  readonly delayMicros?: number
  /** Sent one after the other, each once the one before has been handled. Default: SIGKILL. */
  readonly signals?: readonly ('SIGKILL' | 'SIGSTOP' | 'SIGINT' | 'SIGTERM')[]
  /** The statement never ends, and with it no commit: what goes on is what does not wait for it. */
  readonly hang?: boolean
  /** Instead of a signal: how far the machine's clock jumps, in milliseconds, back where it is negative. */
  readonly jumpMs?: number
}

export interface ProcessOptions {
  readonly killAt?: KillPoint
  /** A file for the list of statements. */
  readonly trace?: string
  /** How far the machine's clock is ahead, in milliseconds. Default 0. */
  readonly clockOffsetMs?: number
  /** A file for the most memory that the process held, and the time that it was at work: see test/memory/peak.mjs. */
  readonly peakMemory?: string
  /** Goes before `node`, as with `["setpriv", "--reuid=65534"]`. */
  readonly prefix?: readonly string[]
}

export interface ProcessEnd {
  /** `null` where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface SluiceProcess {
  readonly pid: number
  readonly ended: Promise<ProcessEnd>
  /** Resolves with the first line of stderr that matches, whether it came already or not; rejects if the process ends without it. */
  line(pattern: RegExp): Promise<string>
  kill(signal: NodeJS.Signals): void
  isRunning(): boolean
  /** Resolves once SIGSTOP has taken effect (Linux); rejects if the process ends before. */
  stopped(): Promise<void>
}

/** Starts `sluice` with these arguments. Progress comes as plain lines on stderr. */
export function startSluice(args: readonly string[], options: ProcessOptions = {}): SluiceProcess {
  if (!existsSync(cliFile)) throw new Error(`${cliFile} is not there: build first, with \`npm run build\``)
  const preloads = [
    ...(options.killAt !== undefined || options.trace !== undefined || options.clockOffsetMs !== undefined
      ? [killAt]
      : []),
    ...(options.peakMemory !== undefined ? [peakMemory] : []),
  ].flatMap((module) => ['--import', module])
  const [command, ...before] = [...(options.prefix ?? []), process.execPath]
  const child = spawn(command!, [...before, ...preloads, cliFile, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...(options.killAt && { SLUICE_KILL_AT: JSON.stringify(options.killAt) }),
      ...(options.clockOffsetMs !== undefined && { SLUICE_CLOCK_OFFSET: String(options.clockOffsetMs) }),
      ...(options.trace && { SLUICE_TRACE: options.trace }),
      ...(options.peakMemory && { SLUICE_PEAK_MEMORY: options.peakMemory }),
    },
  })
  const stdout = collect(child, 'stdout')
  const stderr = collect(child, 'stderr')
  const lines: string[] = []
  const watchers = new Set<() => void>()
  createInterface({ input: child.stderr! }).on('line', (line) => {
    lines.push(line)
    for (const look of [...watchers]) look()
  })
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout: stdout(), stderr: stderr() }))
  })
  return {
    pid: child.pid ?? 0,
    ended,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find((line) => pattern.test(line))
          if (found === undefined) return
          watchers.delete(look)
          resolve(found)
        }
        watchers.add(look)
        look()
        void ended.then(({ stderr }) => {
          look()
          reject(new Error(`the process ended without a line that matches ${pattern}:\n${stderr}`))
        }, reject)
      }),
    kill: (signal) => void child.kill(signal),
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async stopped() {
      while (!/\) T /.test(await readFile(`/proc/${child.pid}/stat`, 'utf8'))) await sleep(20)
    },
  }
}

/** Runs `sluice` to its end. */
export function runSluice(args: readonly string[], options: ProcessOptions = {}): Promise<ProcessEnd> {
  return startSluice(args, options).ended
}

function collect(child: ChildProcess, name: 'stdout' | 'stderr'): () => string {
  const chunks: Buffer[] = []
  child[name]!.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}
