import { duration } from '../../options/duration.ts'

export const margin = duration
  .prefault('0s')
  .describe(
    'How long before now reading stops, for an API that shows its newest records late or in no order. Default "0s"',
  )
