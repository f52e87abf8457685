// What no single option of `slices` can know of itself: which slicings go together, and whether the request says which slice it is for.
import { isStreamed } from '../../http/decode/format-options.ts'
import { formatDuration } from '../../options/duration.ts'
import { unitMs } from '../incremental/time-format.ts'
import { placeholdersOf } from '../request/placeholder-problems.ts'
import { requestOptionsOf } from '../request/request-options.ts'
import type { StreamSettings } from '../rest-options.ts'
import type { StreamProblem } from '../stream-rules.ts'
import { valueFields } from './list-partitions.ts'
import { carriedFields } from './parent-partitions.ts'
import { keyPart } from './slice-key.ts'
import type { ListSlicesOptions, ParentSlicesOptions, Slicing, TimeSlicesOptions } from './slices-options.ts'

type Path = readonly PropertyKey[]

export function slicingProblems(stream: StreamSettings): readonly StreamProblem[] {
  const { slices } = stream
  if (slices === undefined) return []
  const placeholders = placeholdersOf(requestOptionsOf(stream))
  // A single slicing was most likely written without a list around it.
  const at = (index: number, ...rest: Path): Path => [
    'slices',
    ...(slices.length === 1 ? [] : [index]),
    ...rest,
  ]
  const problems = slices.flatMap((slicing, index) => {
    const here = (...rest: Path) => at(index, ...rest)
    if (slicing.by === 'list') return [...listProblems(slicing, here, placeholders)]
    if (slicing.by === 'parent') return [...parentProblems(slicing, here, placeholders)]
    return [
      ...(index < slices.length - 1 ? [notInnermost(here)] : []),
      ...windowProblems(stream, slicing, here, placeholders),
    ]
  })
  if (problems.length === 0) problems.push(...nameProblems(slices, at))
  return problems
}

function notInnermost(here: (...rest: Path) => Path): StreamProblem {
  return {
    path: here('by'),
    message: 'windows of time lie inside every other slicing, and there is one of them: put `by: time` last',
  }
}

/** Windows are incremental by themselves, and what is not settled in them is read again. */
export function hasWindows(slices: readonly Slicing[] | undefined): boolean {
  return slices?.some(({ by }) => by === 'time') ?? false
}

function* windowProblems(
  { format }: StreamSettings,
  slicing: TimeSlicesOptions,
  here: (...rest: Path) => Path,
  placeholders: ReadonlySet<string>,
): Iterable<StreamProblem> {
  const { size, from, to } = slicing
  if (typeof size === 'number') {
    if (size <= 0) yield { path: here('size'), message: 'a window has a length: write "1h" or "1d"' }
    for (const [bound, { format: written }] of [['from', from] as const, ['to', to] as const]) {
      if (size % unitMs[written] === 0) continue
      yield {
        path: here('size'),
        message: `\`slices.${bound}.format: ${written}\` can say whole ${written === 'date' ? 'days' : 'seconds'} only, so a window must be a whole number of them`,
      }
    }
    const { resolution } = to
    if (resolution !== undefined && resolution > 0 && size > 0 && size % resolution !== 0) {
      yield {
        path: here('size'),
        message: `the API's times have a step of ${formatDuration(resolution)} (\`slices.to.resolution\`), so a window must be a whole number of them`,
      }
    }
    if (slicing.timeZone !== undefined) {
      yield {
        path: here('timeZone'),
        message:
          'a fixed length is on a grid in UTC: leave out `timeZone`, or write `size` as a length of the calendar, as in "1 day"',
      }
    }
  }
  if (from.param !== undefined && JSON.stringify(from.param) === JSON.stringify(to.param)) {
    yield {
      path: here('to', 'param'),
      message: 'the end of a window needs another parameter than its beginning',
    }
  }
  for (const [bound, { param }] of [['from', from] as const, ['to', to] as const]) {
    if (param !== undefined || placeholders.has(`slice.${bound}`)) continue
    yield {
      path: here(bound, 'param'),
      message: `nothing tells the API ${bound === 'from' ? 'where a window begins' : 'where a window ends'}: name the parameter, or write {slice.${bound}} where the request has it`,
    }
  }
  if (slicing.total !== undefined && slicing.cap === undefined) {
    yield {
      path: here('total'),
      message:
        '`total` is compared with `cap`: add how many results the API gives at most, as in `cap: 1000`',
    }
  }
  if (slicing.cap !== undefined && isStreamed(format)) {
    yield {
      path: here('cap'),
      message: `with \`format: ${format.type}\` a body is streamed, and its records are loaded before all are counted: leave out \`cap\`, and take a smaller \`size\``,
    }
  }
}

function* listProblems(
  slicing: ListSlicesOptions,
  here: (...rest: Path) => Path,
  placeholders: ReadonlySet<string>,
): Iterable<StreamProblem> {
  const { values, name } = slicing
  const objects = values.filter((value) => typeof value === 'object')
  if (objects.length > 0 && (objects.length < values.length || new Set(objects.map(fieldNames)).size > 1)) {
    yield {
      path: here('values'),
      message: 'the values must be of one kind: all single, or all objects with the same fields',
    }
    return
  }
  if (objects.length === 0 && name === undefined) {
    yield {
      path: here('name'),
      message: 'say what a value is called, as in `name: country`, which makes it {slice.country}',
    }
    return
  }
  if (objects.length > 0 && name !== undefined) {
    yield {
      path: here('name'),
      message: 'the fields of an object are called by their own names: leave `name` out',
    }
  }
  const seen = new Set<string>()
  for (const [index, value] of values.entries()) {
    const key = keyPart(Object.entries(valueFields(slicing, value)).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    if (seen.has(key)) {
      yield {
        path: here('values', index),
        message: `${JSON.stringify(value)} is in the list already, and would be read twice`,
      }
    }
    seen.add(key)
  }
  const names = Object.keys(valueFields(slicing, values[0]!))
  if (!names.some((each) => placeholders.has(`slice.${each}`))) {
    yield {
      path: here(),
      message: `each value would be asked for by the same request: say where it goes, as in \`query: { ${names[0]}: '{slice.${names[0]}}' }\``,
    }
  }
  const carried = Array.isArray(slicing.fields) ? slicing.fields : Object.values(slicing.fields ?? {})
  for (const field of carried) {
    if (names.includes(field)) continue
    yield { path: here('fields'), message: `a value has no ${field}; it has ${names.join(', ')}` }
  }
}

function fieldNames(value: object): string {
  return JSON.stringify(Object.keys(value).toSorted())
}

function* parentProblems(
  { stream, streams, as }: ParentSlicesOptions,
  here: (...rest: Path) => Path,
  placeholders: ReadonlySet<string>,
): Iterable<StreamProblem> {
  if ((stream === undefined) === (streams === undefined)) {
    yield {
      path: here('stream'),
      message: 'name the parent in `stream`, or several in `streams`: one of the two',
    }
  }
  if (![...placeholders].some((each) => each.startsWith(`${as}.`))) {
    yield {
      path: here(),
      message: `each record of the parent would be asked for by the same request: say where it goes, as in \`path: projects/{${as}.id}/issues\``,
    }
  }
}

/** Two slicings that would call two things by one name. */
function* nameProblems(
  slices: readonly Slicing[],
  at: (index: number, ...rest: Path) => Path,
): Iterable<StreamProblem> {
  const taken = new Map<string, number>([['slice', -1]])
  const carried = new Map<string, number>()
  for (const [index, slicing] of slices.entries()) {
    const names =
      slicing.by === 'parent'
        ? [slicing.as]
        : slicing.by === 'list'
          ? Object.keys(valueFields(slicing, slicing.values[0]!)).map((name) => `slice.${name}`)
          : ['slice.from', 'slice.to']
    for (const name of names) {
      if (taken.has(name)) {
        yield {
          path: at(index, slicing.by === 'parent' ? 'as' : slicing.by === 'list' ? 'name' : 'by'),
          message:
            name === 'slice'
              ? '{slice.…} is what lists and windows are called by: call the parent otherwise'
              : `{${name}${slicing.by === 'parent' ? '.…' : ''}} would mean two things: the slicing before is called so, too`,
        }
      }
      taken.set(name, index)
    }
    const given =
      slicing.by === 'parent'
        ? carriedFields(slicing).map(([field]) => field)
        : slicing.by === 'list' && slicing.fields !== undefined
          ? Array.isArray(slicing.fields)
            ? slicing.fields
            : Object.keys(slicing.fields)
          : []
    for (const field of given) {
      if (carried.has(field)) {
        yield {
          path: at(index, 'fields'),
          message: `two slicings would give a record its ${field}: call one of them otherwise, as in \`fields: { other_${field}: … }\``,
        }
      }
      carried.set(field, index)
    }
  }
}
