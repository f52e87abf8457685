import { createHash } from 'node:crypto'
import { HttpStatusError } from '../../http/errors.ts'
import type { Redactor } from '../../http/redact.ts'
import type { Paginator } from '../../pagination/paginator.ts'
import type { EventSink } from '../../ports/events.ts'
import type { Json, Value } from '../../ports/json.ts'
import type { RequestSpec } from '../../ports/request.ts'
import type { Clock } from '../../ports/runtime.ts'
import type { ReadOptions, Slice } from '../../ports/source.ts'
import { steadyTime } from '../../ports/steady-time.ts'
import type { RequestTemplate } from '../../template/request-template.ts'
import type { Progression, SliceReading } from '../progression.ts'
import { endEarly } from '../reactions/end-early.ts'
import { earlyEndOf } from '../reactions/judge-success.ts'
import type { JobClient, JobStatus } from './job-client.ts'
import { countedReading } from './job-count.ts'
import { JobFailedError, JobTimeoutError } from './job-errors.ts'
import type { JobSettings } from './job-options.ts'
import { partsPaginator } from './job-parts.ts'
import { jobProgress, type StoredJob, storedJob, withJob, withoutJob } from './job-position.ts'

export interface JobReaderOptions {
  readonly settings: JobSettings
  /** For events and messages: `desk.tickets`. */
  readonly stream: string
  readonly clock: Clock
  readonly jobs: JobClient
  readonly progression: Pick<Progression, 'begin'>
  /** The stream's own request: that of the results. */
  readonly template: RequestTemplate
  readonly redactor: Redactor
  readonly onEvent?: EventSink | undefined
  /** Reads the results. `adapt`: what is to be done to the stream's paginator before. */
  readonly readPages: (
    reading: SliceReading,
    base: RequestSpec,
    options: ReadOptions,
    adapt: (paginator: Paginator) => Paginator,
  ) => Promise<void>
}

export interface JobReader {
  read(slice: Slice, options: ReadOptions): Promise<void>
  /** The request that creates a slice's job. */
  firstRequest(slice: Slice): RequestSpec
}

/**
 * Reads the slices of a stream whose results a job prepares: it is created and waited for, then its results are read. The job is
 * committed before it is waited for, so that a run that was cut short goes on with it (C4). A job of an earlier run that has failed,
 * is gone or takes too long is created anew, once; one that this run has created is not.
 */
export function jobReader(options: JobReaderOptions): JobReader {
  const { settings, stream, clock, jobs, progression, template, redactor, onEvent } = options
  const { poll } = settings
  const time = steadyTime(clock)

  function createRequest(reading: SliceReading): RequestSpec {
    return reading.request(jobs.createRequest(reading.values ?? {}), true)
  }

  async function create(
    slice: Slice,
    reading: SliceReading,
    earlier: StoredJob | undefined,
    { emit, signal }: ReadOptions,
  ): Promise<StoredJob> {
    const values = reading.values ?? {}
    let request = createRequest(reading)
    let intent: StoredJob = { since: clock.now(), begun: false }
    if (settings.create.idempotencyKey) {
      // A creation that nobody heard the answer of is asked for again with its own key.
      const key = earlier?.key ?? keyOf(stream, slice.key, clock.now())
      intent = { ...intent, since: earlier?.since ?? intent.since, key }
      await commit(jobProgress(reading, intent), emit)
      request = { ...request, headers: { ...request.headers, 'idempotency-key': key } }
    }
    const created = await jobs.create(request, values, signal)
    const job: StoredJob = { ...created, since: intent.since, begun: false }
    await commit(jobProgress(reading, job), emit)
    onEvent?.({ type: 'job.create', at: clock.now(), stream, slice: slice.key, job: nameOf(job) })
    return job
  }

  /** Waits until there is something to read, or surely will not be. */
  async function wait(
    slice: Slice,
    reading: SliceReading,
    job: StoredJob,
    signal: AbortSignal,
  ): Promise<JobStatus> {
    const values = { ...reading.values, job: jobValues(job) }
    // Against a clock that is set back; a job of an earlier run has been at it since then.
    const started = time() - Math.max(0, clock.now() - job.since)
    let pause = poll.every
    for (;;) {
      const status = await jobs.poll(values, signal)
      const elapsedMs = time() - started
      const event = {
        at: clock.now(),
        stream,
        slice: slice.key,
        job: nameOf(job),
        status: status.word,
        elapsedMs,
      }
      switch (status.state) {
        case 'done':
        case 'skipped':
          onEvent?.({ type: 'job.done', ...event })
          return status
        case 'failed':
          throw new JobFailedError(
            stream,
            nameOf(job),
            `job ${nameOf(job)} ended as ${status.word}${status.message === undefined ? '' : `: ${status.message}`}`,
          )
        case 'running': {
          const left = poll.timeout - elapsedMs
          if (left <= 0) {
            const isAborted = await jobs.abort(values, signal)
            const named = poll.status === undefined ? [] : ['done', 'failed', 'skipped']
            throw new JobTimeoutError(
              stream,
              nameOf(job),
              status.word,
              elapsedMs,
              poll.timeout,
              isAborted,
              named,
            )
          }
          // Q4: a Retry-After is a floor.
          const nextMs = Math.max(status.retryAfterMs ?? 0, Math.min(pause, left))
          onEvent?.({ type: 'job.poll', ...event, nextMs })
          await clock.sleep(nextMs, signal)
          pause = Math.min(poll.maxEvery, pause * 1.5)
        }
      }
    }
  }

  function nameOf({ id }: StoredJob): string {
    const name = redactor.url(typeof id === 'string' ? id : JSON.stringify(id ?? null))
    return name.length > 100 ? `${name.slice(0, 100)}…` : name
  }

  /** Reads a slice with the job of an earlier run, or with a new one. */
  async function readWith(
    slice: Slice,
    earlier: StoredJob | undefined,
    anew: boolean,
    reads: ReadOptions,
  ): Promise<void> {
    const isResumed = !anew && earlier?.id !== undefined
    const hasPages = isResumed && earlier.begun
    const own = progression.begin(withoutJob(slice, !hasPages))
    const reading: SliceReading = hasPages ? own : { ...own, start: undefined }
    const job = isResumed ? earlier : await create(slice, reading, anew ? undefined : earlier, reads)
    const status = await wait(slice, reading, job, reads.signal)
    const { parts } = status
    if (status.state === 'skipped' || parts?.length === 0) {
      const view = { url: '', status: 200, headers: {}, body: undefined, records: [] }
      const progress = reading.progress({ view, at: undefined, next: undefined })
      await reads.emit({ records: [], bytes: 0, ...(progress && { progress }) })
      return
    }
    const named = { ...jobValues(job), ...status.values }
    const begun: StoredJob = { ...job, begun: true }
    const { count } = settings
    const checked = count === undefined ? reading : countedReading(reading, count, stream, nameOf(job))
    const results: SliceReading = {
      ...checked,
      values: { ...reading.values, job: parts === undefined ? named : { ...named, part: parts[0]! } },
      // The bounds were asked for when the job was created.
      request: (base) => base,
      progress: (page) => withJob(checked.progress(page), begun),
    }
    const bases = (parts ?? [undefined]).map((part) =>
      template.fill({ ...reading.values, job: part === undefined ? named : { ...named, part } }),
    )
    await options.readPages(results, bases[0]!, reads, (paginator) =>
      parts === undefined ? paginator : partsPaginator(paginator, bases),
    )
  }

  return {
    firstRequest: (slice) => createRequest(progression.begin(withoutJob(slice, true))),

    async read(slice, reads) {
      const earlier = storedJob(slice.progress)
      let pages = 0
      const counted: ReadOptions = {
        ...reads,
        async emit(page) {
          if (page.commitNow !== true) pages++
          await reads.emit(page)
        },
      }
      try {
        await readWith(slice, earlier, false, counted).catch(async (error: unknown) => {
          if (earlier?.id === undefined || pages > 0 || !isOver(error)) throw error
          await readWith(slice, earlier, true, counted)
        })
      } catch (error) {
        // What the config says of the job's own requests.
        const end = earlyEndOf(error)
        if (end === undefined) throw error
        const reading = progression.begin(withoutJob(slice, true))
        const { url, status } = end.error
        const view = { url, status, headers: {}, body: undefined, records: [] }
        await endEarly({ view, records: [], bytes: 0, end }, undefined, reading, reads)
      }
    },
  }
}

/** The results of an earlier run's job are not to be had any more. */
function isOver(error: unknown): boolean {
  if (error instanceof JobFailedError || error instanceof JobTimeoutError) return true
  return (
    error instanceof HttpStatusError &&
    error.action === undefined &&
    (error.status === 404 || error.status === 410)
  )
}

function jobValues({ id, values }: StoredJob): { readonly [name: string]: Value } {
  return { ...values, id: (id ?? null) as Value } as { readonly [name: string]: Value }
}

async function commit(progress: ReturnType<typeof jobProgress>, emit: ReadOptions['emit']): Promise<void> {
  if (progress !== undefined) await emit({ records: [], bytes: 0, progress, commitNow: true })
}

/** Of one creation: another of the same slice has another key, or the API would give the old job again. */
function keyOf(stream: string, slice: string, now: number): string {
  const text = JSON.stringify([stream, slice, now] satisfies Json)
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
