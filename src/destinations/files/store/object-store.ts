// What the files destination asks of the place where its objects are: a folder on disk, or a bucket.

/** An object, as a listing tells of it. */
export interface StoredObject {
  readonly key: string
  readonly bytes: number
  /** By the store's clock, in milliseconds since 1970. */
  readonly modifiedAt: number
}

/** A data file on its way into the store. Nobody sees it before a manifest names it. */
export interface StagedFile {
  /** Where its bytes are to be written, on this machine's disk. */
  readonly path: string
  /** Puts it into the store, for good. Resolves to its size in bytes. */
  keep(): Promise<number>
  /** What a failure to write its bytes means. */
  explain(error: unknown): unknown
  /** Drops it, kept or not. Never rejects. */
  drop(): Promise<void>
}

/** Objects by key, below one folder or prefix. Keys use `/`. */
export interface ObjectStore extends AsyncDisposable {
  /** For messages: `files /data/lake`, `files s3://bucket/prefix`. */
  readonly description: string
  /** Where an object is, as a reader of it would write. */
  location(key: string): string
  /** The store's time, in milliseconds since 1970, as far as it is known. */
  now(): number
  /**
   * Writes an object where there is none of that key, whole or not at all: of several who try, one succeeds. False where there was one.
   * @throws DestinationError
   */
  create(key: string, body: Uint8Array): Promise<boolean>
  /** Writes an object, in place of the one that is there. */
  put(key: string, body: Uint8Array): Promise<void>
  /** `null` where there is none. */
  get(key: string): Promise<Uint8Array | null>
  /** Where a program of this machine reads the object: where it is, or `target`, which it was copied to. */
  localCopy(key: string, target: string): Promise<string>
  has(key: string): Promise<boolean>
  /** The objects whose key begins with `prefix`, in the order of their keys, `after` left out and those before it. */
  list(prefix: string, after?: string): AsyncIterable<StoredObject>
  /** Those that are not there are no error. */
  remove(keys: readonly string[]): Promise<void>
  /** Room for a data file. */
  stage(key: string): Promise<StagedFile>
}
