// A stream's transform: what becomes of its records before they are stored. It works behind the paginator and the cursor filter, so that
// neither a dropped record nor a renamed field ever ends a list.

import { SluiceError } from '../../errors.ts'
import { compileCondition } from '../../options/condition.ts'
import { revealSecret, type Secret, type SecretLookup } from '../../options/secret.ts'
import { parsePath } from '../../pagination/path.ts'
import type { Json, JsonRecord, Value } from '../../ports/json.ts'
import type { SideTable, SourcePage } from '../../ports/source.ts'
import { fieldTextParts } from '../../template/placeholder.ts'
import { requestTemplate, type TemplateValues } from '../../template/request-template.ts'
import { carrier, itemsAt } from './carry.ts'
import { hasher, masker } from './conceal.ts'
import { ConversionError, converter } from './convert.ts'
import { fieldChanger, withField } from './fields.ts'
import { flattener } from './flatten.ts'
import { renamer, styledRenamer } from './rename.ts'
import { type SplitStream, splitter } from './split.ts'
import type { TransformContext, TransformStep } from './transform-options.ts'

/** A step could not be taken. The record itself is not quoted: what is to be hashed or masked may be in it. */
export class TransformError extends SluiceError {
  readonly code = 'TRANSFORM_FAILED'
  readonly recovery = 'fix-config'
  readonly stream: string
  constructor(stream: string, step: string, record: JsonRecord, cause: unknown) {
    const names = Object.keys(record).slice(0, 12).join(', ')
    super(
      `${stream}: ${step} failed: ${cause instanceof Error ? cause.message : String(cause)}; the record has the fields ${names}`,
      { cause },
    )
    this.stream = stream
  }
}

export interface Transform {
  /** Tables beside the stream's own that its steps fill. */
  readonly sides: readonly SideTable[]
  /** @throws TransformError where a step can't be taken */
  apply(page: SourcePage, values: TemplateValues): SourcePage
}

export interface TransformDependencies extends SplitStream {
  /** As in `desk.tickets`. */
  readonly name: string
  readonly lookup: SecretLookup
  readonly onSecret: (value: string) => void
}

type Rejected = NonNullable<SourcePage['rejects']>[number]

/** What a page becomes on its way through the steps. */
interface Work {
  records: readonly JsonRecord[]
  readonly rejects: Rejected[]
  readonly sides: Map<string, JsonRecord[]>
  readonly context: TransformContext
}

type Step = (work: Work) => void

/** Compiles the steps of a stream. */
export function compileTransform(
  steps: readonly TransformStep[],
  dependencies: TransformDependencies,
): Transform {
  const sides: SideTable[] = []
  let owners = 0
  const nextOwner = () => String(++owners)
  const compiled = steps.map((step, index) => compileStep(step, `step ${index + 1} of transform`))

  function compileStep(step: TransformStep, place: string): Step {
    const applies = step.where === undefined ? undefined : compileCondition(step.where)
    const describe = `${place} (${Object.keys(step).find((name) => name !== 'where' && step[name as keyof TransformStep] !== undefined)})`

    /** A step that makes of each record none, one or several. */
    const each = (
      make: (record: JsonRecord, work: Work) => JsonRecord | readonly JsonRecord[] | undefined,
    ): Step => {
      return (work) => {
        const made: JsonRecord[] = []
        for (const record of work.records) {
          if (applies !== undefined && !applies(record)) {
            made.push(record)
            continue
          }
          let result: ReturnType<typeof make>
          try {
            result = make(record, work)
          } catch (error) {
            if (error instanceof ConversionError) {
              work.rejects.push({ record, reason: error.message })
              continue
            }
            throw new TransformError(dependencies.name, describe, record, error)
          }
          if (result === undefined) continue
          if (Array.isArray(result)) for (const one of result) made.push(one)
          else made.push(result as JsonRecord)
        }
        work.records = made
      }
    }

    if (step.filter !== undefined) {
      const { filter } = step
      if (typeof filter === 'string') {
        const keeps = compileCondition(filter)
        return each((record) => (keeps(record) ? record : undefined))
      }
      return each((record, { context }) => (filter(record, context) ? record : undefined))
    }
    if (step.drop !== undefined) {
      const droppers = step.drop.map((field) => fieldChanger(field, () => undefined))
      return each((record) => droppers.reduce((rest, dropFrom) => dropFrom(rest), record))
    }
    if (step.keep !== undefined) {
      const names = new Set(step.keep)
      return each((record) => Object.fromEntries(Object.entries(record).filter(([name]) => names.has(name))))
    }
    if (step.rename !== undefined) return each(renamer(step.rename))
    if (step.renameAll !== undefined) return each(styledRenamer(step.renameAll))
    if (step.add !== undefined) return each(adder(step.add))
    if (step.convert !== undefined) return each(converter(step.convert))
    if (step.flatten !== undefined) return each(flattener(step.flatten))
    if (step.expand !== undefined) {
      const { field, carry, empty } = step.expand
      const items = itemsAt(field)
      const carryInto = carrier(carry)
      return each((record) => {
        const found = items(record)
        if (found.length === 0) return empty === 'keep' ? record : undefined
        return found.map((item) => carryInto(record, item))
      })
    }
    if (step.hash !== undefined) return each(hasher(step.hash.fields, lateKey(step.hash.key, dependencies)))
    if (step.mask !== undefined) return each(masker(step.mask.fields, step.mask.show))
    if (step.split !== undefined) {
      const parts = splitter(step.split, dependencies, nextOwner)
      sides.push(...parts.sides)
      return each((record, work) => parts.split(record, work.sides))
    }
    const { map } = step
    return each((record, { context }) => mapped(map!(record, context)))
  }

  return {
    sides,
    apply(page, values) {
      const work: Work = {
        records: page.records,
        rejects: [],
        sides: new Map([...(page.sides ?? [])].map(([table, rows]) => [table, [...rows]])),
        context: { stream: dependencies.name, values },
      }
      for (const step of compiled) step(work)
      return {
        ...page,
        records: work.records,
        ...(work.sides.size > 0 && { sides: work.sides }),
        ...(work.rejects.length > 0 && { rejects: [...(page.rejects ?? []), ...work.rejects] }),
      }
    },
  }
}

function adder(fields: Readonly<Record<string, Json>>): (record: JsonRecord, work: Work) => JsonRecord {
  const additions = Object.entries(fields).map(([path, value]) => {
    const template = requestTemplate(
      { method: 'GET', url: '', query: {}, headers: {}, body: { value } },
      fieldTextParts,
    )
    return { keys: parsePath(path)!.map(String), template }
  })
  return (record, { context }) => {
    const values = { ...context.values, record }
    let result = record
    for (const { keys, template } of additions) {
      const { value } = template.fill(values).body as { value: Value }
      result = withField(result, keys, value)
    }
    return result
  }
}

function lateKey(
  key: Secret | string | undefined,
  { lookup, onSecret }: TransformDependencies,
): (() => string) | undefined {
  if (key === undefined) return undefined
  let revealed: string | undefined
  return () => {
    if (revealed === undefined) {
      revealed = revealSecret(key, lookup)
      onSecret(revealed)
    }
    return revealed
  }
}

/** What a user's function gave, checked. */
function mapped(result: unknown): JsonRecord | readonly JsonRecord[] | undefined {
  if (result === null || result === undefined) return undefined
  const all = Array.isArray(result) ? result : [result]
  for (const one of all) {
    if (isPlainObject(one)) continue
    throw new Error(
      `it gave ${one instanceof Promise ? 'a promise' : typeof one === 'object' ? (one === null ? 'null' : `an instance of ${one.constructor?.name}`) : `the ${typeof one} ${JSON.stringify(one)}`}, where a record (an object), a list of records or nothing is expected`,
    )
  }
  return all.length === 1 ? all[0] : all
}

/** A record is a plain object: a promise, a date or an instance of a class is a mistake. */
function isPlainObject(value: unknown): value is JsonRecord {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
