// Combinations of a paginator's options, and of them with the request, that can't work or could not end.
import { ConfigError } from '../errors.ts'
import type { Json } from '../ports/json.ts'
import type { PaginatorOptions } from './options.ts'
import { type RequestValue, requestValue, requestWriter } from './request-value.ts'

export interface PaginationProblem {
  /** The option to change, below `paginate`. */
  readonly path: readonly string[]
  readonly message: string
}

interface Request {
  readonly method: string
  readonly body?: Json | undefined
}

/** Everything that is wrong with validated options, together with the request that they page. */
export function* paginationProblems(
  options: PaginatorOptions,
  request: Request,
): Iterable<PaginationProblem> {
  const places = [...placesOf(options)]
  for (const [index, { path, place }] of places.entries()) {
    const text = JSON.stringify(place)
    const other = places.slice(0, index).find((earlier) => JSON.stringify(earlier.place) === text)
    if (other !== undefined) {
      yield {
        path,
        message: `\`${path.join('.')}\` and \`${other.path.join('.')}\` both write ${describeRequestPlace(place)}, and one would overwrite the other, so that the list could not be read: name the place of each`,
      }
    }
    if (typeof place === 'string' || !('body' in place)) continue
    if (request.method === 'GET') {
      yield {
        path,
        message: `a GET request has no body to put ${place.body} into: set \`method: POST\`, or name a query parameter or a header`,
      }
    } else if (request.body !== undefined && !isObject(request.body)) {
      yield {
        path,
        message: `the request's body is no object, so ${place.body} can't be put into it: name a query parameter or a header`,
      }
    } else {
      const message = fieldProblem(place, request.body)
      if (message !== undefined) yield { path, message }
    }
  }
  if ('persist' in options && options.persist === true && options.type !== 'time' && !canEnd(options)) {
    yield {
      path: ['persist'],
      message:
        '`persist: true` keeps what the last page names, so a page that names a next one may still be the last, and this list might never end: say how it ends, by the API\'s flag in `more`, as in "!end_of_stream", or by `lastPage: empty`',
    }
  }
}

/** Whether the paginator has a position that outlives the run. */
export function outlivesRun(options: PaginatorOptions): boolean {
  if (options.type === 'custom') return options.resume !== undefined
  return 'persist' in options && options.persist !== undefined && options.persist !== false
}

function canEnd(options: { readonly more?: unknown; readonly lastPage?: unknown }): boolean {
  return options.more !== undefined || options.lastPage !== undefined
}

interface Place {
  readonly path: readonly string[]
  readonly place: RequestValue
}

/** Where the paginator writes into the request. */
function* placesOf(options: PaginatorOptions): Iterable<Place> {
  if ('param' in options && options.param !== undefined)
    yield { path: ['param'], place: requestValue.parse(options.param) }
  if ('size' in options && options.size !== undefined && 'param' in options.size)
    yield { path: ['size', 'param'], place: requestValue.parse(options.size.param) }
  if (options.type === 'cursor' && typeof options.persist === 'object' && options.persist.param !== undefined)
    yield { path: ['persist', 'param'], place: requestValue.parse(options.persist.param) }
}

/** What is in the way of a field of the body. */
function fieldProblem(place: RequestValue, body: Json | undefined): string | undefined {
  try {
    requestWriter(place)(
      { method: 'POST', url: '', headers: {}, query: {}, ...(body !== undefined && { body }) },
      0,
    )
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

function describeRequestPlace(place: RequestValue): string {
  if (typeof place === 'string') return `the query parameter ${place}`
  return 'header' in place ? `the header ${place.header}` : `the field ${place.body} of the body`
}

function isObject(body: Json): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
}
