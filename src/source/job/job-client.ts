// The requests of a job: create, poll, abort.

import { isSluiceError } from '../../errors.ts'
import type { Answer } from '../../http/answer.ts'
import { apiMessage } from '../../http/api-message.ts'
import type { Client } from '../../http/client.ts'
import { errorBodyMessage } from '../../http/decode/error-body.ts'
import { type JsonBody, readJson } from '../../http/decode/json.ts'
import type { BodyLimits } from '../../http/decode/limits.ts'
import type { Account, Consume } from '../../http/layer.ts'
import { retryAfterMs } from '../../http/retry-after.ts'
import type { Attach } from '../../http/secret-parts.ts'
import { statusError } from '../../http/status-error.ts'
import type { PageView } from '../../pagination/paginator.ts'
import { compilePath } from '../../pagination/path.ts'
import {
  describePlace,
  excerpt,
  type ResponseValue,
  responseReader,
  scalarText,
} from '../../pagination/response-value.ts'
import type { Json, Value } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { Clock, HttpResponse } from '../../ports/runtime.ts'
import { requestTemplate, type TemplateValues } from '../../template/request-template.ts'
import { judgeErrorBody } from '../reactions/judge-success.ts'
import { describeValues } from '../reactions/message.ts'
import type { Reactions } from '../reactions/reactions.ts'
import { ApiErrorBodyError } from '../response/select.ts'
import { JobFailedError } from './job-errors.ts'
import type { JobRequest, JobSettings } from './job-options.ts'

export interface JobClientDependencies {
  readonly client: Client
  readonly clock: Clock
  /** For events and messages: `desk.tickets`. */
  readonly stream: string
  readonly limits: BodyLimits
  /** Query parameters of every request of the source. */
  readonly query: RequestSpec['query']
  /** The account that asks, where it is not the client's own. */
  readonly account?: Account | undefined
  readonly attach: Attach | undefined
  readonly reactions: Reactions | undefined
}

/** What a poll told. */
export interface JobStatus {
  readonly state: 'running' | 'done' | 'failed' | 'skipped'
  /** In the API's own word. */
  readonly word: string
  readonly values: Record<string, Value>
  /** What the results are read from one after the other. */
  readonly parts: readonly Value[] | undefined
  readonly retryAfterMs: number | undefined
  /** What the API says of a failure. */
  readonly message: string | undefined
}

export interface JobClient {
  /** The request that creates a job, before the slice's bounds are put on it. */
  createRequest(values: TemplateValues): RequestSpec
  create(
    request: RequestSpec,
    values: TemplateValues,
    signal: AbortSignal,
  ): Promise<{ readonly id: Json; readonly values: { readonly [name: string]: Json } }>
  poll(values: TemplateValues, signal: AbortSignal): Promise<JobStatus>
  /** Whether it was told to stop. Never rejects: whatever stopped the wait is what matters. */
  abort(values: TemplateValues, signal: AbortSignal): Promise<boolean>
}

export function jobClient(settings: JobSettings, dependencies: JobClientDependencies): JobClient {
  const { client, clock, stream, limits, attach, account, reactions } = dependencies
  const { create, poll, abort } = settings
  const createTemplate = templateOf(create)
  const pollTemplate = templateOf(poll)
  const abortTemplate = abort && templateOf(abort)
  const readCreated = valueReaders({ ...create.values, id: create.id })
  const readPolled = valueReaders(poll.values ?? {})
  const readStatus = poll.status === undefined ? undefined : compilePath(poll.status)
  const readParts = poll.parts === undefined ? undefined : compilePath(poll.parts)

  function templateOf(request: JobRequest) {
    return requestTemplate({
      method: request.method,
      url: request.path,
      query: { ...dependencies.query, ...request.query },
      headers: request.headers ?? {},
      ...(request.body !== undefined && { body: request.body }),
    })
  }

  function ask<T>(
    template: ReturnType<typeof templateOf>,
    request: RequestSpec,
    values: TemplateValues,
    signal: AbortSignal,
    take: (view: PageView, answer: Answer, about: string | undefined) => T,
  ): Promise<T> {
    const react = reactions?.forRequest(values)
    const about = describeValues(template.placeholders, values)
    const consume: Consume<T> = async (response, url, charge) => {
      const { status, headers } = response
      const { value, bytes } = await readBody(response, url)
      charge({ body: value })
      const answer = {
        method: request.method,
        url,
        status,
        headers,
        body: value,
        text: () => bytes.toString(),
      }
      const ruling = react?.(answer)
      if (ruling !== undefined) throw statusError(answer, { now: clock.now(), about, ruling })
      return take({ url, status, headers, body: value, records: [] }, answer, about)
    }
    return client.request(request, consume, {
      signal,
      stream,
      values,
      ...(account && { account }),
      ...(attach && { attach }),
      ...(react && { react }),
      ...(about !== undefined && { about }),
    })
  }

  /** A 202 or 204 may have no body, or one that is no JSON. */
  async function readBody(
    response: HttpResponse,
    url: string,
  ): Promise<Pick<JsonBody, 'bytes'> & { value: Value | undefined }> {
    try {
      return await readJson(response, { url, maxPageSize: limits.maxPageSize })
    } catch (error) {
      const mayBeEmpty = response.status === 201 || response.status === 202 || response.status === 204
      if (mayBeEmpty && isSluiceError(error) && error.code !== 'BODY_TOO_LARGE')
        return { value: undefined, bytes: Buffer.alloc(0) }
      throw error
    }
  }

  /** R2: an error body under a success, else what is missing. */
  function nothingAt(place: string, answer: Answer, about: string | undefined, what: string): unknown {
    const message = errorBodyMessage(answer.body ?? null)
    if (message !== undefined) {
      const error = new ApiErrorBodyError(answer.url, answer.status, message)
      return judgeErrorBody(error, answer, { clock, react: undefined, about })
    }
    return new JobFailedError(
      stream,
      '',
      `${what}: ${answer.method} ${answer.url} answered ${answer.status}, with nothing at ${place} in ${excerpt(answer.body).slice(0, 300)}`,
    )
  }

  function stateOf(word: string): JobStatus['state'] {
    const is = (states: readonly (string | number | boolean)[] | undefined) =>
      states?.some((state) => String(state) === word) === true
    if (is(poll.done)) return 'done'
    if (is(poll.failed)) return 'failed'
    return is(poll.skipped) ? 'skipped' : 'running'
  }

  return {
    createRequest: (values) => createTemplate.fill(values),

    create: (request, values, signal) =>
      ask(createTemplate, request, values, signal, (view, answer, about) => {
        const { id, ...others } = readCreated(view)
        if (id === undefined || id === null || id === '')
          throw nothingAt(describePlace(create.id), answer, about, 'no job was created')
        // A number too long for a double is stored as its digits (R4).
        const stored = Object.entries(others).map(([name, value]) => [name, storable(value)])
        return { id: storable(id), values: Object.fromEntries(stored) }
      }),

    poll(values, signal) {
      const request: RequestSpec = { ...pollTemplate.fill(values), safe: true }
      return ask(pollTemplate, request, values, signal, (view, answer, about) => {
        const found = readStatus?.(view.body)
        const word = typeof found === 'boolean' ? String(found) : scalarText(found)
        const common = {
          values: readPolled(view),
          parts: partsOf(readParts?.(view.body)),
          retryAfterMs: retryAfterMs(view.headers, clock.now()),
          message: errorBodyMessage(view.body ?? null) ?? apiMessage(view.body),
        }
        if (word !== undefined) return { ...common, state: stateOf(word), word }
        if (view.status === 202) return { ...common, state: 'running', word: 'under way' }
        if (readStatus !== undefined) throw nothingAt(poll.status!, answer, about, 'the job tells no status')
        return { ...common, state: 'done', word: 'done' }
      })
    },

    async abort(values, signal) {
      if (abortTemplate === undefined) return false
      try {
        await client.request(abortTemplate.fill(values), (response) => response.discard(), {
          signal,
          stream,
          values,
          ...(account && { account }),
          ...(attach && { attach }),
        })
        return true
      } catch {
        return false
      }
    },
  }
}

function valueReaders(places: Readonly<Record<string, ResponseValue>>) {
  const readers = Object.entries(places).map(([name, place]) => [name, responseReader(place)] as const)
  return (view: PageView): Record<string, Value> =>
    Object.fromEntries(
      readers.flatMap(([name, read]) => {
        const value = read(view)
        return value === undefined ? [] : [[name, value] as const]
      }),
    )
}

function partsOf(value: Value | undefined): readonly Value[] | undefined {
  if (value === undefined || value === null) return undefined
  return Array.isArray(value) ? value : [value]
}

function storable(value: Value): Json {
  return JSON.parse(
    JSON.stringify(value, (_name, each) => (typeof each === 'bigint' ? each.toString() : each)),
  ) as Json
}
