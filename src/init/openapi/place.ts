// Where a list is: its path, and the list above it whose records fill the path's parameters.
import type { Json } from '../../ports/json.ts'
import { keyByName } from '../detect-key.ts'
import { identifier } from '../names.ts'
import { isNode } from './document.ts'
import type { ListOperation } from './operations.ts'

export interface Place {
  readonly path: string
  readonly slices?: Json
  /** The stream whose records it is read for. */
  readonly parent?: string
  readonly doubt?: string
  readonly off?: string
}

/** The path with its parameters taken from the records of the list above it. */
export function placeOf(
  operation: ListOperation,
  names: ReadonlyMap<ListOperation, string>,
  wanted: readonly ListOperation[],
): Place {
  const path = operation.path.replace(/^\//, '')
  const parameters = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]!)
  const last = parameters.at(-1)
  if (last === undefined) return { path }
  const above = (of: string) => {
    const prefix = of.slice(0, of.lastIndexOf('{')).replace(/\/$/, '')
    return wanted.find((each) => each.path.replace(/\/$/, '') === prefix)
  }
  const parent = above(operation.path)
  const left = (why: string): Place => ({ path: path.replace(/\{([^}]+)\}/g, '{{$1}}'), off: why })
  if (parent === undefined)
    return left(
      `no list of this document gives the values of {${last}}: read it with \`slices: { by: list, … }\`, or put the value into the path`,
    )
  const key = keyOfItem(parent, names.get(parent)!)
  const fieldOf = (parameter: string, of: ListOperation) => {
    const properties = of.list.item?.properties
    if (properties?.has(parameter)) return parameter
    return keyOfItem(of, names.get(of)!)
  }
  const field = fieldOf(last, parent)
  if (key === undefined || field === undefined)
    return left(`the records of ${names.get(parent)} have no field that is known for {${last}}`)
  // What stands further up in the path is carried down by the parent.
  let filled = path.replace(`{${last}}`, `{parent.${field}}`)
  for (const parameter of parameters.slice(0, -1))
    filled = filled.replace(`{${parameter}}`, `{parent.${carriedName(parameter)}}`)
  const own = operation.list.item?.properties
  const carried = carriedName(last)
  const fields = {
    ...(own?.has(carried) ? {} : { [carried]: field }),
    ...carriedFurther(parameters.slice(0, -1), own),
  }
  return {
    path: filled,
    slices: { by: 'parent', stream: names.get(parent)!, ...(Object.keys(fields).length > 0 && { fields }) },
    parent: names.get(parent)!,
    ...(field !== last &&
      !/(id|uuid|guid|key)$/i.test(last) && { doubt: `{${last}} is taken to be its ${field}` }),
  }
}

function carriedFurther(
  parameters: readonly string[],
  own: ReadonlyMap<string, unknown> | undefined,
): { [name: string]: string } {
  return Object.fromEntries(
    parameters
      .map(carriedName)
      .filter((name) => !own?.has(name))
      .map((name) => [name, name]),
  )
}

/** `{petId}` → `pet_id` */
function carriedName(parameter: string): string {
  return identifier(parameter, 'parent_id')
}

/** The field that tells one record of a list from another, by what its schema calls it. */
export function keyOfItem({ list }: ListOperation, name: string): string | undefined {
  const item = list.item
  if (item === undefined) return undefined
  const named = keyByName([...item.properties.keys()], name)
  if (named !== undefined) return named
  return [...item.properties].find(
    ([field, schema]) =>
      isNode(schema) &&
      schema['format'] === 'uuid' &&
      schema['readOnly'] === true &&
      item.required.has(field),
  )?.[0]
}
