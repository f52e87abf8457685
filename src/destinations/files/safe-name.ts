import { createHash } from 'node:crypto'

/**
 * A name as a part of a key: what every file system, URL and glob leaves alone. Two names may give one: it says what an object is about to
 * whoever looks, and is made unique by what stands beside it.
 */
export function safeName(name: string): string {
  return (
    name
      .replace(/[^A-Za-z0-9_.-]+/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, 100) || '_'
  )
}

/** The folder of a pipeline. Of a name that it can't have as it is, it ends in what tells it from others that look alike. */
export function pipelineFolder(pipeline: string): string {
  const safe = safeName(pipeline)
  if (safe === pipeline) return `${safe}/`
  return `${safe}-${createHash('sha256').update(pipeline).digest('hex').slice(0, 12)}/`
}
