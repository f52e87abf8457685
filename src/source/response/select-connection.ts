import { compilePath, joinPaths } from '../../pagination/path.ts'
import { type JsonRecord, LongDecimal, type Value } from '../../ports/json.ts'
import { SelectorEmptyError } from './select.ts'

/**
 * The records of a GraphQL connection: its `nodes`, or the `node` of each of its `edges`. A node that is null holds nothing: it is one that
 * the caller may not see.
 * @param connection its path below `data`
 * @throws SelectorEmptyError where there is no connection, or one that holds neither (R2)
 */
export function selectConnection(
  body: Value,
  { connection, optional }: { readonly connection: string; readonly optional: boolean },
  url: string,
): JsonRecord[] {
  const path = joinPaths('data', connection)
  const found = compilePath(path)(body)
  if (found === undefined || found === null) {
    if (optional) return []
    throw new SelectorEmptyError(
      url,
      path,
      `the connection \`${path}\` is ${found === null ? 'null' : 'not there'}: check \`paginate.connection\`; if that means that there are no records, set \`optionalRecords: true\``,
    )
  }
  const { nodes, edges } = isFields(found) ? found : {}
  const list = Array.isArray(nodes) ? nodes : Array.isArray(edges) ? edges.map(nodeOf) : undefined
  if (list === undefined) {
    throw new SelectorEmptyError(
      url,
      path,
      `\`${path}\` has neither \`nodes\` nor \`edges\`: ask for "nodes { … }" in the query, or point \`records\` at the list`,
    )
  }
  return list.flatMap((node) =>
    node === null || node === undefined ? [] : isFields(node) ? [node] : [{ value: node }],
  )
}

function nodeOf(edge: Value): Value | undefined {
  return isFields(edge) ? edge['node'] : undefined
}

function isFields(value: Value): value is JsonRecord {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LongDecimal)
  )
}
