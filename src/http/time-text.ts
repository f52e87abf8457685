// Lengths and times as APIs write them in headers.

const goDuration = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/
const isoInstant = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/i
const zone = /(Z|[+-]\d{2}:?\d{2})$/i

/** Milliseconds of a length of time as Go prints it, which OpenAI sends: `6m0s`, `1s`, `8.64s`, `120ms`. `undefined`: it is none. */
export function goDurationMs(text: string): number | undefined {
  const length = text === '' ? null : goDuration.exec(text)
  if (length === null) return undefined
  const [hours = 0, minutes = 0, seconds = 0, milliseconds = 0] = length
    .slice(1)
    .map((part) => Number(part ?? 0))
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
}

/** Milliseconds since 1970 of an ISO 8601 time, in UTC where it names no zone: `NaN` of one that no calendar has. `undefined`: it is none. */
export function isoInstantMs(text: string): number | undefined {
  return isoInstant.test(text) ? Date.parse(zone.test(text) ? text : `${text}Z`) : undefined
}
