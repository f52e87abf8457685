import type { PageFetcher } from '../pages/fetch-page.ts'
import type { SliceReading } from '../progression.ts'

/**
 * Reads a slice part by part: most have one. A page is looked at as it comes, before any of it is handed on; a part that
 * turns out to be too long is given up there, and what it is to be read by takes its place.
 */
export async function readParts(
  first: SliceReading,
  fetcher: PageFetcher,
  read: (reading: SliceReading, fetcher: PageFetcher) => Promise<void>,
): Promise<void> {
  for (let reading: SliceReading | undefined = first; reading !== undefined; ) {
    const { inspect, after }: SliceReading = reading
    try {
      await read(reading, inspect === undefined ? fetcher : inspecting(fetcher, inspect))
      reading = after?.()
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error
      reading = error.instead
    }
  }
}

/** Ends the reading of a part from within. Nobody else sees it. */
class GivenUp extends Error {
  readonly instead: SliceReading
  constructor(instead: SliceReading) {
    super('this part of the slice is read otherwise')
    this.instead = instead
  }
}

function inspecting(fetcher: PageFetcher, inspect: NonNullable<SliceReading['inspect']>): PageFetcher {
  return {
    ...fetcher,
    async fetch(...args) {
      const page = await fetcher.fetch(...args)
      const instead = inspect(page.view)
      if (instead !== undefined) throw new GivenUp(instead)
      return page
    },
  }
}
