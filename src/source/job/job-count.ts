import {
  describePlace,
  type ResponseValue,
  responseReader,
  scalarText,
} from '../../pagination/response-value.ts'
import type { SliceReading } from '../progression.ts'
import { JobCountError } from './job-errors.ts'

/** Compares what each response says that it holds with the records that were read of it. */
export function countedReading(
  reading: SliceReading,
  place: ResponseValue,
  stream: string,
  job: string,
): SliceReading {
  const read = responseReader(place)
  let taken = 0
  return {
    ...reading,
    take(records) {
      taken += records.length
      return reading.take(records)
    },
    rewind() {
      taken = 0
      reading.rewind?.()
    },
    progress(page) {
      const said = scalarText(read(page.view)) ?? 'nothing'
      if (!/^\s*\d+\s*$/.test(said) || Number(said) !== taken) {
        throw new JobCountError(stream, job, describePlace(place), said, taken)
      }
      taken = 0
      return reading.progress(page)
    },
  }
}
