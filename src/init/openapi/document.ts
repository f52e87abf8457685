// An OpenAPI document (3.0, 3.1, or Swagger 2.0) as plain data, and its references.
import { parseDocument } from 'yaml'
import { ConfigError } from '../../errors.ts'

export type Node = { readonly [key: string]: unknown }

export interface ApiDocument {
  readonly root: Node
  readonly version: string
  /** Follows local references. Undefined where there is nothing, or it is in another file. */
  resolve(value: unknown): Node | undefined
}

/** Larger documents are none that anyone reads. */
const largest = 64 << 20
/** References that lead to references. */
const longestChain = 32

/** Whether a text begins like such a document. */
export function looksLikeOpenApi(text: string): boolean {
  const head = text.slice(0, 8192)
  return (
    /^["']?(openapi|swagger)["']?\s*:\s*["']?[23]\./m.test(head) ||
    /^\s*\{[\s\S]*?"(openapi|swagger)"\s*:\s*"[23]\./.test(head)
  )
}

/**
 * @param place file or address, for messages
 * @throws ConfigError where it is no OpenAPI document that can be read
 */
export function parseApiDocument(text: string, place: string): ApiDocument {
  if (text.length > largest)
    throw new ConfigError(
      '',
      `${place} has ${text.length} characters, more than the ${largest} that init reads: leave out what is not needed of it`,
    )
  const root = parse(text, place)
  const version = root['openapi'] ?? root['swagger']
  if (typeof version !== 'string' || !/^(3\.[01]|2\.0)/.test(version))
    throw new ConfigError(
      '',
      `${place} is no OpenAPI document of version 3.0, 3.1 or 2.0 (Swagger): its \`openapi\` is ${JSON.stringify(version) ?? 'missing'}`,
    )
  if (!isNode(root['paths'])) throw new ConfigError('', `${place} has no \`paths\`: there is nothing to read`)
  return { root, version, resolve: (value) => follow(root, value) }
}

function parse(text: string, place: string): Node {
  let content: unknown
  try {
    content = /^\s*\{/.test(text) ? JSON.parse(text) : fromYaml(text)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new ConfigError('', `${place} can't be read: ${problem}`, { cause: error })
  }
  if (!isNode(content)) throw new ConfigError('', `${place} holds no object`)
  return content
}

function fromYaml(text: string): unknown {
  // A long text is checked for duplicate keys in quadratic time.
  const document = parseDocument(text, { uniqueKeys: false, merge: true })
  const [problem] = document.errors
  if (problem !== undefined) throw problem
  return document.toJS({ maxAliasCount: 1000 })
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function follow(root: Node, value: unknown): Node | undefined {
  let node = value
  for (let step = 0; step < longestChain; step++) {
    if (!isNode(node)) return undefined
    const reference = node['$ref']
    if (typeof reference !== 'string') return node
    if (!reference.startsWith('#')) return undefined
    node = at(root, reference.slice(1))
  }
  return undefined
}

/** RFC 6901 in a fragment. */
function at(root: Node, pointer: string): unknown {
  let node: unknown = root
  for (const step of pointer.split('/').slice(1)) {
    const key = unescaped(step)
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return undefined
    node = (node as Node)[key]
  }
  return node
}

function unescaped(step: string): string {
  let text = step
  try {
    text = decodeURIComponent(step)
  } catch {}
  return text.replaceAll('~1', '/').replaceAll('~0', '~')
}

/** The items of a list, the values of anything else left out. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
