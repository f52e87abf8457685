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
