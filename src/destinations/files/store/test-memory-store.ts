import type { ObjectStore } from './object-store.ts'

/** Objects in memory, for tests of what happens when operations of several processes meet. */
export class MemoryStore implements ObjectStore {
  readonly description = 'files memory'
  readonly objects: Map<string, { readonly body: Uint8Array; readonly modifiedAt: number }>
  readonly now: () => number
  readonly #turn: () => Promise<void>

  /**
   * @param objects what all processes share
   * @param turn awaited before each operation, and before each object of a listing
   */
  constructor(objects: MemoryStore['objects'], now: () => number, turn: () => Promise<void>) {
    this.objects = objects
    this.now = now
    this.#turn = turn
  }

  location(key: string): string {
    return key
  }

  async localCopy(key: string): Promise<string> {
    return key
  }

  async create(key: string, body: Uint8Array): Promise<boolean> {
    await this.#turn()
    if (this.objects.has(key)) return false
    this.#keep(key, body)
    return true
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#turn()
    this.#keep(key, body)
  }

  async get(key: string): Promise<Uint8Array | null> {
    await this.#turn()
    return this.objects.get(key)?.body ?? null
  }

  async has(key: string): Promise<boolean> {
    await this.#turn()
    return this.objects.has(key)
  }

  async *list(prefix: string, after = '') {
    await this.#turn()
    for (const key of [...this.objects.keys()].sort()) {
      if (!key.startsWith(prefix) || key <= after) continue
      const found = this.objects.get(key)
      if (found !== undefined) yield { key, bytes: found.body.length, modifiedAt: found.modifiedAt }
    }
    await this.#turn()
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#turn()
      this.objects.delete(key)
    }
  }

  async stage(key: string) {
    return {
      path: key,
      keep: async () => {
        await this.put(key, new Uint8Array())
        return 0
      },
      explain: (error: unknown) => error,
      drop: async () => this.remove([key]),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #keep(key: string, body: Uint8Array): void {
    this.objects.set(key, { body, modifiedAt: this.now() })
  }
}
