// Which streams may be parents of which: they are there, they have a key, and none is its own ancestor.
import { isStreamed } from '../../http/decode/format-options.ts'
import { nearest } from '../../options/nearest.ts'
import type { StreamSettings } from '../rest-options.ts'
import { parentNames } from './parent-partitions.ts'
import type { ParentSlicesOptions } from './slices-options.ts'

export interface SourceProblem {
  /** Below the source's `streams`. */
  readonly path: readonly PropertyKey[]
  readonly message: string
}

type Streams = Readonly<Record<string, Pick<StreamSettings, 'slices' | 'key' | 'format' | 'job'>>>

/** Every wrong parent of a source's streams. */
export function* parentProblemsOf(streams: Streams): Iterable<SourceProblem> {
  const known = Object.keys(streams)
  for (const [name, { slices = [] }] of Object.entries(streams)) {
    for (const [index, slicing] of slices.entries()) {
      if (slicing.by !== 'parent') continue
      const path = [name, 'slices', ...(slices.length === 1 ? [] : [index])]
      for (const [at, parent] of parentPaths(slicing)) {
        const found = Object.hasOwn(streams, parent) ? streams[parent] : undefined
        if (found === undefined) {
          const near = nearest(parent, known)
          const hint = near === undefined ? '' : `did you mean ${near}? `
          yield {
            path: [...path, ...at],
            message: `no stream of this source is named ${JSON.stringify(parent)}; ${hint}${hint === '' ? 'there' : 'There'} are ${known.join(', ')}`,
          }
        } else if (isStreamed(found.format) || found.job !== undefined) {
          const what = found.job === undefined ? '`format` streams its body' : 'records come from a `job`'
          yield {
            path: [...path, ...at],
            message: `${parent} can't be a parent: its ${what}, which would be held open while its children are read. Give the children a list of their parents that is paged`,
          }
        } else if (found.key === undefined && slicing.key === undefined) {
          yield {
            path: [...path, 'key'],
            message: `${parent} has no \`key\` to name the slices by: give it one, or say here which of its fields do, as in \`key: id\``,
          }
        }
      }
    }
  }
  yield* cycles(streams)
}

function* cycles(streams: Streams): Iterable<SourceProblem> {
  const done = new Set<string>()
  function* visit(name: string, path: readonly string[]): Iterable<SourceProblem> {
    const start = path.indexOf(name)
    if (start >= 0) {
      yield {
        path: [name, 'slices'],
        message: `the slices of a stream can't be its own: ${[...path.slice(start), name].join(' → ')}. Read one of them without \`by: parent\``,
      }
      return
    }
    if (done.has(name)) return
    for (const parent of parentsOf(streams, name)) yield* visit(parent, [...path, name])
    done.add(name)
  }
  for (const name of Object.keys(streams)) yield* visit(name, [])
}

function parentsOf(streams: Streams, name: string): readonly string[] {
  const slices = Object.hasOwn(streams, name) ? (streams[name]?.slices ?? []) : []
  return slices.flatMap((slicing) => (slicing.by === 'parent' ? parentNames(slicing) : []))
}

function parentPaths({
  stream,
  streams = [],
}: ParentSlicesOptions): (readonly [readonly PropertyKey[], string])[] {
  const several = streams.map((name, index) => [['streams', index], name] as const)
  return stream === undefined ? several : [[['stream'], stream] as const, ...several]
}
