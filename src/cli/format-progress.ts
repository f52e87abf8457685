import { clip } from '../observe/clip.ts'
import type { Json } from '../ports/json.ts'

const longest = 60

/** A stored value in a few characters; text without its quotes. */
export function shortJson(value: Json): string {
  return clip(typeof value === 'string' ? value : JSON.stringify(value), longest)
}

/** A position as a reader looks for it: where the paginator stands, without what the source keeps beside it. */
export function shortPosition(position: Json): string {
  // Around the place in a list that moves is what tells it again, and around that what the slice keeps: each has the next one at `at`.
  let stands: Json = position
  while (typeof stands === 'object' && stands !== null && 'at' in stands) stands = stands.at as Json
  // A part of a slice may be begun and have no page yet.
  return stands === null ? 'its first page' : shortJson(stands)
}
