import { clip } from '../observe/clip.ts'
import type { JsonRecord } from '../ports/json.ts'
import { encodeJson } from '../records/encode-json.ts'

const longestName = 32

/** A record for a reader at a terminal: one field a line, cut to `width`. */
export function formatRecord(record: JsonRecord, width: number): string[] {
  const names = Object.keys(record)
  const nameWidth = Math.min(longestName, Math.max(0, ...names.map((name) => name.length)))
  return names.map((name) =>
    clip(`  ${clip(name, nameWidth).padEnd(nameWidth)}  ${encodeJson(record[name]!)}`, width),
  )
}
