import type { Json, JsonRecord } from '../../ports/json.ts'
import type {
  Progress,
  ReadScope,
  SideTable,
  Slice,
  SourcePage,
  Stream,
  WriteMode,
} from '../../ports/source.ts'

export interface ListStreamOptions {
  readonly name?: string
  readonly write?: WriteMode
  readonly key?: readonly string[]
  readonly version?: string
  /** Default: the stream's name. */
  readonly table?: string
  readonly sides?: readonly SideTable[]
  readonly tombstones?: boolean
  /** What a page has beside its records. */
  readonly beside?: (slice: string, page: number) => Pick<SourcePage, 'sides' | 'rejects'>
  readonly onReject?: 'keep' | 'fail'
  readonly allowEmptyReplace?: boolean
  readonly maxRemovedPercent?: number
  /** For each slice, its pages. */
  readonly slices: Readonly<Record<string, readonly (readonly JsonRecord[])[]>>
  /** Called before each page is given; may throw, wait or abort. */
  readonly beforePage?: (slice: string, page: number, signal: AbortSignal) => void | Promise<void>
  /** Pages that carry no progress, as the parts of a streamed body do. */
  readonly withoutProgress?: (slice: string, page: number) => boolean
  /** Default: one after the other. */
  readonly slicesAtOnce?: number
  /** Whether a slice that was read to its end is read again. Default: true, as a stream without a cursor is. */
  readonly rereadsFinished?: boolean
}

export interface ListStream extends Stream {
  /** Which pages were asked for, as `slice/page`. */
  readonly asked: string[]
  readonly scopes: ReadScope[]
}

/** A stream over lists in memory, whose position is the number of pages read. */
export function listStream(options: ListStreamOptions): ListStream {
  const asked: string[] = []
  const scopes: ReadScope[] = []
  return {
    asked,
    scopes,
    name: options.name ?? 'desk.tickets',
    table: options.table ?? (options.name ?? 'desk.tickets').replace('.', '_'),
    write: options.write ?? 'merge',
    key: options.key ?? ['id'],
    ...(options.version !== undefined && { version: options.version }),
    ...(options.sides !== undefined && { sides: options.sides }),
    ...(options.tombstones !== undefined && { tombstones: options.tombstones }),
    allowEmptyReplace: options.allowEmptyReplace ?? false,
    ...(options.maxRemovedPercent !== undefined && { maxRemovedPercent: options.maxRemovedPercent }),
    onReject: options.onReject ?? 'keep',
    ...(options.slicesAtOnce !== undefined && { slicesAtOnce: options.slicesAtOnce }),
    *slices(committed: ReadonlyMap<string, Progress>, scope: ReadScope): Iterable<Slice> {
      scopes.push(scope)
      for (const key of Object.keys(options.slices)) {
        const progress = committed.get(key) ?? null
        if (progress?.position === null && options.rereadsFinished === false) continue
        yield { key, progress }
      }
    },
    async read(slice, { signal, emit }) {
      const pages = options.slices[slice.key]!
      const start = typeof slice.progress?.position === 'number' ? slice.progress.position : 0
      for (let page = start; page < pages.length; page++) {
        await options.beforePage?.(slice.key, page, signal)
        signal.throwIfAborted()
        asked.push(`${slice.key}/${page}`)
        const position: Json = page + 1 < pages.length ? page + 1 : null
        const sourcePage: SourcePage = {
          records: pages[page]!,
          bytes: 100 * pages[page]!.length,
          ...options.beside?.(slice.key, page),
        }
        const silent = options.withoutProgress?.(slice.key, page) ?? false
        await emit(silent ? sourcePage : { ...sourcePage, progress: { position, highWater: null } })
      }
    },
    preview: (slice) => ({ method: 'GET', url: `https://desk.example/${slice.key}`, headers: {} }),
  }
}

/** Records with ids from `first` to `last`. */
export function records(first: number, last: number, fields: JsonRecord = {}): JsonRecord[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({ id: first + index, ...fields }))
}
