import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { ReadScope, Stream } from '../../ports/source.ts'
import { DestinationError } from '../errors.ts'
import { LineBuffer } from './line-buffer.ts'

export interface StreamToFileOptions extends ReadScope {
  /** Aborted: reading stops, and no file is published. */
  readonly signal?: AbortSignal
}

export interface StreamFile {
  readonly path: string
  readonly records: number
  readonly bytes: number
}

/**
 * Reads a stream from its beginning into a file of JSON Lines, one record a line. The file is published whole or not at
 * all: it is written beside `path` under a name of its own, synced, and renamed when the stream has ended.
 * An older file of that name is replaced then. Records are written as they come: one that the API sends twice stands there twice.
 * @throws DestinationError where the file can't be written; whatever stopped the stream
 */
export async function streamToFile(
  stream: Stream,
  path: string,
  options: StreamToFileOptions = {},
): Promise<StreamFile> {
  const target = resolve(path)
  const partial = join(dirname(target), `.${basename(target)}.${process.pid}.partial`)
  try {
    const written = await writeLines(stream, partial, options)
    await rename(partial, target)
    return { path: target, ...written }
  } catch (error) {
    await rm(partial, { force: true })
    throw asDestinationError(error, target)
  }
}

async function writeLines(
  stream: Stream,
  path: string,
  options: StreamToFileOptions,
): Promise<{ records: number; bytes: number }> {
  const { signal = new AbortController().signal, ...scope } = options
  await using file = await open(path, 'w')
  let records = 0
  let bytes = 0
  // One page is written while the next one is read and encoded, and no more.
  let [filling, beingWritten] = [new LineBuffer(), new LineBuffer()]
  let writing = Promise.resolve()
  for await (const slice of stream.slices(new Map(), scope)) {
    await stream.read(slice, {
      signal,
      emit: async (page) => {
        if (page.records.length === 0) return
        const lines = filling.encode(page.records)
        await writing
        writing = file.writeFile(lines)
        // What it failed with is thrown where it is waited for.
        writing.catch(() => undefined)
        ;[filling, beingWritten] = [beingWritten, filling]
        records += page.records.length
        bytes += lines.length
      },
    })
  }
  await writing
  // The name appears only after the bytes are on the disk, so a crash leaves the old file or the new one.
  await file.sync()
  return { records, bytes }
}

function asDestinationError(error: unknown, target: string): unknown {
  const code =
    (error as NodeJS.ErrnoException).syscall === undefined ? undefined : (error as NodeJS.ErrnoException).code
  if (code === undefined) return error
  return new DestinationError(target, `the file can't be written (${code}): ${(error as Error).message}`, {
    cause: error,
  })
}
