import { resolve } from 'node:path'
import { createDuckdbDestination } from '../destinations/duckdb/duckdb.ts'
import { createFilesDestination } from '../destinations/files/files.ts'
import { createPostgresDestination } from '../destinations/postgres/postgres.ts'
import type { Destination } from '../ports/destination.ts'
import type { Pipeline } from './pipeline.ts'
import type { Surroundings } from './surroundings.ts'

/** A pipeline's destination. It opens nothing yet. */
export function createDestination(
  settings: Pipeline['destination'],
  {
    directory,
    lookup,
    runtime,
    onEvent,
  }: Pick<Surroundings, 'directory' | 'lookup' | 'runtime'> & Partial<Pick<Surroundings, 'onEvent'>>,
): Destination {
  switch (settings.type) {
    case 'duckdb':
      return createDuckdbDestination(
        { ...settings, path: resolve(directory, settings.path) },
        { clock: runtime.clock, onEvent },
      )
    case 'files':
      return createFilesDestination(settings, { directory, runtime, lookup })
    case 'postgres':
      return createPostgresDestination(settings, lookup, runtime.clock)
  }
}
