import { ConfigError } from '../errors.ts'
import type { Destination } from '../ports/destination.ts'
import type { Stream } from '../ports/source.ts'

/** Why a destination can't take what a stream loads, with what to write instead; `undefined` where it can. */
export function inability(
  { name, write, tombstones, sides = [] }: Stream,
  { description, capabilities }: Pick<Destination, 'description' | 'capabilities'>,
): ConfigError | undefined {
  if (write === 'history') {
    if (capabilities.history) return undefined
    return new ConfigError(
      name,
      `${description} keeps no history of records. Let the stream \`append\` each version that it reads, or choose another destination`,
    )
  }
  if (capabilities.merge) return undefined
  const merged = sides.find((side) => side.write === 'merge')
  const deed =
    write === 'merge' || write === 'delete' || write === 'reconcile'
      ? `\`write: ${write}\` takes`
      : tombstones
        ? 'its records may say that a row is gone, which takes'
        : merged && `its list in ${merged.table} is merged, which takes`
  if (deed === undefined) return undefined
  return new ConfigError(
    name,
    `${deed} rows that are found by their key, and ${description} only adds rows or swaps whole tables in: write \`append\` or \`replace\`, or choose another destination`,
  )
}

/** @throws ConfigError that tells all of them, before anything is read */
export function refuseInabilities(streams: readonly Stream[], destination: Destination): void {
  const refusals = streams.flatMap((stream) => inability(stream, destination) ?? [])
  const [first, ...others] = refusals
  if (first === undefined) return
  throw new ConfigError('', [first.message, ...others.map(({ message }) => `  also ${message}`)].join('\n'), {
    cause: first,
  })
}
