// How a stream's slices are read, whatever cuts and pages them: within their pass, once more where a position has expired, part by part.
import type { Redactor } from '../http/redact.ts'
import type { Paginator } from '../pagination/paginator.ts'
import type { JsonRecord } from '../ports/json.ts'
import type { RequestSpec } from '../ports/request.ts'
import type { ReadOptions, Slice } from '../ports/source.ts'
import type { RequestTemplate } from '../template/request-template.ts'
import { type ExpiryOptions, readDespiteExpiry } from './expired-position.ts'
import type { PageFetcher } from './pages/fetch-page.ts'
import { readSlice, type SliceReadOptions, type SliceRequests } from './pages/read-slice.ts'
import { upToTheMark } from './pages/up-to-the-mark.ts'
import type { SliceReading, StreamProgression } from './progression.ts'
import type { RecordChanges } from './record-changes.ts'
import { readInPass } from './slices/pass.ts'
import { pull } from './slices/pull.ts'
import { readParts } from './slices/read-parts.ts'

/** Reads the pages of a slice, or of a part of one. */
export type PageReader = (
  reading: SliceReading,
  base: RequestSpec,
  options: SliceReadOptions,
  /** What is done to the paginator before: by a job, whose results come in several files. */
  adapt?: (paginator: Paginator) => Paginator,
  fetcher?: PageFetcher,
) => Promise<void>

/** `requests`: what the pages of all slices are asked with. */
export function pageReader(requests: Omit<SliceRequests, 'base'>): PageReader {
  return (reading, base, options, adapt = (same) => same, fetcher = requests.fetcher) => {
    const paginator = adapt(upToTheMark(requests.paginator, reading))
    return readSlice(reading, { ...requests, paginator, base, fetcher }, options)
  }
}

/** Hands on what the stream's config makes of the records. */
export function changedPages(readPages: PageReader, changes: RecordChanges): PageReader {
  return (reading, base, options, ...others) => {
    const emit: ReadOptions['emit'] = (page) => options.emit(changes.apply(page, reading.values ?? {}))
    return readPages(reading, base, { ...options, emit }, ...others)
  }
}

/** Reads one slice to its end. */
export type SliceReader = (slice: Slice, options: ReadOptions) => Promise<void>

/** Reads a slice by its own request, part by part. */
export function partReader(
  by: StreamProgression,
  template: RequestTemplate,
  fetcher: PageFetcher,
  readPages: PageReader,
): SliceReader {
  return (slice, options) =>
    readParts(by.begin(slice), fetcher, (part, fetching) =>
      readPages(
        part,
        template.fill(part.values ?? {}),
        { ...options, slice: slice.key },
        undefined,
        fetching,
      ),
    )
}

/** Reads a slice in its pass, and again where its position has expired. */
export function sliceReader(
  by: StreamProgression,
  read: SliceReader,
  expiry: ExpiryOptions,
  redactor: Redactor,
): SliceReader {
  return async (slice, options) => {
    try {
      await readInPass(by.passOf?.(slice), slice, options, () =>
        readDespiteExpiry(slice, options, expiry, read),
      )
    } catch (error) {
      // S1: a paginator quotes what the API sent, which may be the credential.
      throw redactor.error(error)
    }
  }
}

/** All records of a stream, page by page, as they come from the API. The next page is asked for when it is wanted. */
export async function* listRecords(
  by: StreamProgression,
  read: SliceReader,
  signal: AbortSignal,
): AsyncGenerator<readonly JsonRecord[], void> {
  for await (const slice of by.slices(new Map(), {}, signal)) {
    if (slice.closing) continue
    yield* pull<readonly JsonRecord[]>(
      (emit, within) => read(slice, { signal: within, emit: ({ records }) => emit(records) }),
      signal,
    )
  }
}
