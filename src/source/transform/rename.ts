import type { JsonRecord } from '../../ports/json.ts'
import { setField, setFree } from './fields.ts'
import type { TransformStep } from './transform-options.ts'

/**
 * Gives fields new names; they keep their places.
 * @throws Error where a name is taken by another field
 */
export function renamer(names: Readonly<Record<string, string>>): (record: JsonRecord) => JsonRecord {
  const newNames = new Map(Object.entries(names))
  return (record) => {
    const renamed: JsonRecord = {}
    for (const name of Object.keys(record)) {
      const newName = newNames.get(name) ?? name
      if (Object.hasOwn(renamed, newName)) {
        throw new Error(
          `rename gives two fields the name ${JSON.stringify(newName)}: drop one of them before, or name it differently`,
        )
      }
      setField(renamed, newName, record[name]!)
    }
    return renamed
  }
}

/** Gives all fields names by a rule. Where it gives two fields one name, the second becomes `name_2`. */
export function styledRenamer(
  style: NonNullable<TransformStep['renameAll']>,
): (record: JsonRecord) => JsonRecord {
  const rule =
    style === 'snake_case'
      ? snakeCase
      : style === 'lower_case'
        ? (name: string) => name.toLowerCase()
        : (name: string) => name.replaceAll(style.replace, style.with)
  // A stream's records have the same few names over and over.
  const known = new Map<string, string>()
  const named = (name: string): string => {
    let styled = known.get(name)
    if (styled === undefined) {
      styled = rule(name) || name
      if (known.size < 10_000) known.set(name, styled)
    }
    return styled
  }
  return (record) => {
    const renamed: JsonRecord = {}
    // A field that has its name already keeps it, whatever comes before it.
    for (const name of Object.keys(record)) if (named(name) === name) setField(renamed, name, record[name]!)
    if (Object.keys(renamed).length === Object.keys(record).length) return record
    const ordered: JsonRecord = {}
    const taken = new Set(Object.keys(renamed))
    for (const name of Object.keys(record)) {
      let styled = named(name)
      if (styled !== name) {
        for (let number = 2; taken.has(styled); number++) styled = `${named(name)}_${number}`
        taken.add(styled)
      }
      setFree(ordered, styled, record[name]!)
    }
    return ordered
  }
}

/** `createdAt`, `Created At` and `created-at` as `created_at`; `HTTPStatus2` as `http_status2`. */
export function snakeCase(name: string): string {
  return name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1_$2')
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, '$1_$2')
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+(?=.)|(?<=.)_+$/g, '')
    .toLowerCase()
}
