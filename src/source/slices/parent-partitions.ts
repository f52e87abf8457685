import { ConfigError } from '../../errors.ts'
import { compileCondition } from '../../options/condition.ts'
import { nearest } from '../../options/nearest.ts'
import { compilePath, type PathReader } from '../../pagination/path.ts'
import type { JsonRecord, Value } from '../../ports/json.ts'
import type { CarriedField, Partition, Partitioning } from './partition.ts'
import { keyPart, keyText } from './slice-key.ts'
import type { ParentSlicesOptions } from './slices-options.ts'

/** A stream whose records are the partitions of others. */
export interface ParentStream {
  /** `desk.projects`. */
  readonly name: string
  readonly key: readonly string[]
  /** All of its records, page by page: the next page is asked for when it is wanted. */
  list(signal: AbortSignal): AsyncIterable<readonly JsonRecord[]>
}

/**
 * One partition for each record of one or several streams. Of a record that comes twice, the first is taken: what is kept for that
 * is the keys of this run, and nothing else of a record that was read.
 */
export function parentPartitions(
  child: string,
  options: ParentSlicesOptions,
  parents: () => readonly ParentStream[],
  /** Fields that the request's placeholders ask for, as in `id` of `{parent.id}`. */
  placeholders: readonly string[],
): Partitioning {
  const { as } = options
  const matches = options.where === undefined ? undefined : compileCondition(options.where)
  const wanted = placeholders.map((field) => ({ field, read: compilePath(field) }))
  const carried = carriedFields(options).map(([field, name]) => ({ field, name, read: compilePath(name) }))

  function partitionOf(parent: ParentStream, record: JsonRecord, key: string): Partition {
    for (const { field, read } of wanted) {
      const value = read(record)
      if (value === undefined || value === null) {
        throw missingField(
          child,
          parent,
          record,
          key,
          field,
          value,
          `the placeholder {${as}.${field}} stands for`,
        )
      }
    }
    return { key, values: { [as]: record }, carried: carried.map((each) => carry(parent, record, key, each)) }
  }

  function carry(
    parent: ParentStream,
    record: JsonRecord,
    key: string,
    { field, name, read }: { field: string; name: string; read: PathReader },
  ): CarriedField {
    const value = read(record)
    // Null is a value that the parent has; a field that is not there is most likely misspelt.
    if (value === undefined) {
      throw missingField(child, parent, record, key, name, value, '`slices.fields` carries down')
    }
    return { field, value, from: parent.name }
  }

  return {
    levels: 1,
    asks: parentNames(options),
    async *partitions(signal) {
      const seen = new Set<string>()
      for (const parent of parents()) {
        const fields = (options.key ?? parent.key).map((field) => ({ field, read: compilePath(field) }))
        for await (const records of parent.list(signal)) {
          for (const record of records) {
            if (matches?.(record) === false) continue
            const key = keyOf(child, parent, record, fields)
            if (seen.has(key)) continue
            seen.add(key)
            yield partitionOf(parent, record, key)
          }
        }
      }
    },
  }
}

/** The streams of the source whose records are the slices. */
export function parentNames({
  stream,
  streams = [],
}: Pick<ParentSlicesOptions, 'stream' | 'streams'>): readonly string[] {
  return stream === undefined ? streams : [stream, ...streams]
}

/** What a record is given, and from which path of the parent. */
export function carriedFields({
  fields = {},
  as,
}: ParentSlicesOptions): readonly (readonly [string, string])[] {
  return Array.isArray(fields)
    ? fields.map((name) => [`${as}_${name}`, name] as const)
    : Object.entries(fields)
}

function keyOf(
  child: string,
  parent: ParentStream,
  record: JsonRecord,
  fields: readonly { readonly field: string; readonly read: PathReader }[],
): string {
  return keyPart(
    fields.map(({ field, read }) => {
      const value = read(record)
      if (keyText(value) !== undefined) return [field, value!]
      throw missingField(child, parent, record, undefined, field, value, 'names its slice')
    }),
  )
}

function missingField(
  child: string,
  parent: ParentStream,
  record: JsonRecord,
  key: string | undefined,
  field: string,
  found: Value | undefined,
  use: string,
): ConfigError {
  const names = Object.keys(record)
  const near = nearest(field, names)
  const hint = near === undefined || near === field ? '' : `did you mean ${near}? `
  const lack =
    found === undefined ? `has no ${field}` : `has ${found === null ? 'null' : 'no single value'} in ${field}`
  const leaveOut = `by \`where: "@.${field} && @.${field} != null"\``
  const remedy =
    found === null
      ? ` Leave such records out ${leaveOut}`
      : found === undefined && hint === ''
        ? ` Where some records lack it, leave them out ${leaveOut}`
        : ''
  return new ConfigError(
    child,
    `a record of its parent ${parent.name}${key === undefined ? '' : ` (${key})`} ${lack}, which ${use}; ${hint}${hint === '' ? 'it' : 'It'} has the fields ${names.slice(0, 30).join(', ')}${names.length > 30 ? ', …' : ''}.${remedy}`,
  )
}
