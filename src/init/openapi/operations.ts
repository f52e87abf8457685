// The operations of a document that hand out lists.
import { identifier, streamNameOf } from '../names.ts'
import { type ApiDocument, isNode, listOf, type Node, textOf } from './document.ts'
import { declaredHeaders, type Parameter, parametersOf, takesToken } from './parameters.ts'
import { type FoundList, findList } from './schema.ts'

export interface ListOperation {
  /** As the document has it: `/pets/{petId}/visits`. */
  readonly path: string
  /** What the stream would be called if nothing else were. */
  readonly name: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly parameters: readonly Parameter[]
  readonly list: FoundList
  readonly responseHeaders: readonly string[]
}

/** All GET operations whose answer is a list, in the document's order. */
export function listOperations(document: ApiDocument): readonly ListOperation[] {
  const found: ListOperation[] = []
  const paths = document.root['paths']
  for (const [path, value] of Object.entries(isNode(paths) ? paths : {})) {
    const item = document.resolve(value)
    const operation = document.resolve(item?.['get'])
    if (item === undefined || operation === undefined || operation['deprecated'] === true) continue
    const response = successOf(document, operation)
    if (response === undefined) continue
    const parameters = parametersOf(document, item, operation)
    const segments = path.split('/').filter((segment) => segment !== '')
    const list = findList(document, schemaOf(document, response), {
      last: segments.findLast((segment) => !segment.startsWith('{')) ?? '',
      isDetail: segments.at(-1)?.startsWith('{') ?? false,
      wantsToken: takesToken(parameters),
    })
    if (list === undefined) continue
    const byPath = streamNameOf(path)
    found.push({
      path,
      name: byPath === 'records' ? identifier(textOf(operation['operationId']) ?? '', byPath) : byPath,
      tags: listOf(operation['tags']).filter((tag) => typeof tag === 'string'),
      summary: textOf(operation['summary']) ?? '',
      parameters,
      list,
      responseHeaders: declaredHeaders(response),
    })
  }
  return found
}

function successOf(document: ApiDocument, operation: Node): Node | undefined {
  const responses = document.resolve(operation['responses'])
  if (responses === undefined) return undefined
  const status = ['200', '2XX', '2xx', 'default'].find((each) => Object.hasOwn(responses, each))
  return status === undefined ? undefined : document.resolve(responses[status])
}

function schemaOf(document: ApiDocument, response: Node): unknown {
  const content = document.resolve(response['content'])
  if (content === undefined) return response['schema']
  const type = Object.keys(content).find(
    (name) => /^application\/([\w.-]+\+)?json\b/i.test(name) || name === '*/*',
  )
  return type === undefined ? undefined : document.resolve(content[type])?.['schema']
}
