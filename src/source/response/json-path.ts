// JSONPath (RFC 9535): json-p3 parses a query and evaluates its filters; the walk is ours, since a page may hold more records than a
// call takes arguments, long numbers (R4) are values and no objects, and R2 asks where a query began to find nothing.
import { JSONPathError, JSONPathNode, type JSONValue, jsonpath, TokenKind } from 'json-p3'
import { comparable, mostCharacters } from '../../options/condition.ts'
import { isObject, type Value } from '../../ports/json.ts'
import { isContainer, kindOf, listed } from './values.ts'

/** What a query found: items, maybe none; or the reason why there is no place to look in (R2). */
export type QueryResult = { readonly items: Value[] } | { readonly missing: string; readonly isNull: boolean }

export type Query = (body: Value) => QueryResult

const { FilterSelector, IndexSelector, NameSelector, SliceSelector, WildcardSelector } = jsonpath.selectors

type Step = (value: Value, root: Value, into: Value[]) => void

interface Segment {
  /** The query up to here, for messages. */
  readonly before: string
  readonly text: string
  readonly steps: readonly Step[]
  /** Its names, where it selects by nothing else. */
  readonly names: readonly string[] | undefined
  readonly descends: boolean
  /** It selects places, by name or index, and not what is there. */
  readonly isSingular: boolean
  /** It takes items of lists only. */
  readonly slices: boolean
}

/** Why a text is no query; `undefined` where it is one. */
export function queryProblem(text: string): string | undefined {
  if (text.length > mostCharacters)
    return `it has ${text.length} characters, and ${mostCharacters} at most are read`
  try {
    jsonpath.compile(rooted(text))
    return undefined
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error
    return error.message.replace(/ \('.*$/s, '')
  }
}

/**
 * Compiles a query. `$` may be left out: `edges[*].node`. A query that ends in a name gives the items of the lists that it finds, as a
 * plain path does; others give what they find as it is.
 *
 * Where a part that selects by name finds nothing in anything, or a part that selects items meets no list or object, there is no place
 * to look in. A list that is empty, or of which a filter takes nothing, is one without items.
 */
export function compileQuery(text: string): Query {
  const query = jsonpath.compile(rooted(text))
  let before = '$'
  const segments = query.segments.map((segment): Segment => {
    const written = segment.toString()
    const names = segment.selectors.map((selector) =>
      selector instanceof NameSelector ? selector.name : undefined,
    )
    const each: Segment = {
      before,
      text: written,
      steps: segment.selectors.map(stepOf),
      names: names.every((name) => name !== undefined) ? names : undefined,
      descends: segment.token.kind === TokenKind.DDOT,
      slices: segment.selectors.every((selector) => selector instanceof SliceSelector),
      isSingular: segment.selectors.every(
        (selector) => selector instanceof NameSelector || selector instanceof IndexSelector,
      ),
    }
    before += written
    return each
  })
  const givesItems = segments.at(-1)?.names !== undefined

  return (body) => {
    let current: Value[] = [body]
    for (const segment of segments) {
      const next: Value[] = []
      for (const value of current) {
        if (segment.descends) descend(value, (inner) => apply(segment.steps, inner, body, next))
        else apply(segment.steps, value, body, next)
      }
      if (next.length > 0) current = next
      else if (
        segment.descends ||
        segment.isSingular ||
        !current.some(segment.slices ? Array.isArray : isContainer)
      ) {
        return { missing: describe(segment, current), isNull: current.every((value) => value === null) }
      } else return { items: [] }
    }
    return { items: givesItems ? (current.flat() as Value[]) : current }
  }
}

function rooted(text: string): string {
  if (text.startsWith('$')) return text
  return text.startsWith('[') || text.startsWith('..') ? `$${text}` : `$.${text}`
}

function apply(steps: readonly Step[], value: Value, root: Value, into: Value[]): void {
  for (const step of steps) step(value, root, into)
}

/** The value and everything inside it, parents first. A stack of our own: JSON may nest deeper than calls can. */
function descend(value: Value, visit: (value: Value) => void): void {
  const open: Value[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    visit(next)
    const children = childrenOf(next)
    for (let at = children.length - 1; at >= 0; at--) if (isContainer(children[at]!)) open.push(children[at]!)
  }
}

function childrenOf(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value
  return isObject(value) ? Object.values(value) : []
}

function stepOf(selector: jsonpath.JSONPathSelector): Step {
  if (selector instanceof NameSelector) {
    const { name } = selector
    return (value, _root, into) => {
      if (isObject(value) && Object.hasOwn(value, name)) into.push(value[name]!)
    }
  }
  if (selector instanceof IndexSelector) {
    const { index } = selector
    return (value, _root, into) => {
      const item = Array.isArray(value) ? value.at(index) : undefined
      if (item !== undefined) into.push(item)
    }
  }
  if (selector instanceof WildcardSelector) {
    return (value, _root, into) => {
      for (const child of childrenOf(value)) into.push(child)
    }
  }
  if (selector instanceof FilterSelector) {
    const { environment, expression } = selector
    const asksRoot = expression.toString().includes('$')
    let body: Value | undefined
    let rootValue: JSONValue = null
    return (value, root, into) => {
      if (asksRoot && root !== body) {
        body = root
        rootValue = comparable(root)
      }
      for (const child of childrenOf(value)) {
        if (expression.evaluate({ environment, currentValue: comparable(child), rootValue })) into.push(child)
      }
    }
  }
  if (selector instanceof SliceSelector) {
    return (value, root, into) => {
      if (!Array.isArray(value)) return
      // The library's own nodes, since a slice counts from both ends and in both directions.
      const node = new JSONPathNode(value as never, [], root as never)
      for (const { value: item } of selector.resolve(node)) into.push(item as Value)
    }
  }
  throw new TypeError(`a selector of JSONPath that is not known: ${selector.toString()}`)
}

function describe({ before, text, names, descends }: Segment, current: readonly Value[]): string {
  const where = before === '$' ? 'the body' : `\`${before}\``
  if (descends) return `nothing in ${where} matches \`${text}\``
  const [first] = current
  if (names === undefined || !isObject(first!))
    return `${where} is ${kindOf(first!)}, which has no \`${text}\``
  return `${where} has no ${names.map((name) => `\`${name}\``).join(' or ')}, only ${listed(Object.keys(first))}`
}
