import type { Trace } from './simulate.ts'

/** What tells limits and requests of one process apart: two simulations in one process have others. */
const countedByProcess = new Set(['limit', 'request', 'part'])

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** Writes each event as a line: the process, the time, and the event. Run ids, which no seed decides, become numbers. */
export function tracer(write: (line: string) => void): Trace {
  const runs = new Map<string, string>()
  const numbered = (id: string) => {
    if (!runs.has(id)) runs.set(id, `run-${runs.size + 1}`)
    return runs.get(id)!
  }
  return (process, { at, type, ...event }) => {
    const fields = JSON.stringify(event, (key, value) =>
      countedByProcess.has(key) ? undefined : value,
    ).replace(UUID, numbered)
    write(`${process} ${new Date(at).toISOString()} ${type} ${fields}`)
  }
}
