import { SluiceError } from '../../errors.ts'
import { formatDuration } from '../../options/duration.ts'

/** There will be no results: the job has failed, or none was created. */
export class JobFailedError extends SluiceError {
  readonly code = 'JOB_FAILED'
  readonly recovery = 'stop-stream'
  readonly job: string
  constructor(stream: string, job: string, problem: string) {
    super(`${stream}: ${problem}`)
    this.job = job
  }
}

/** The job takes longer than `job.poll.timeout` allows. */
export class JobTimeoutError extends SluiceError {
  readonly code = 'JOB_TIMEOUT'
  readonly recovery = 'stop-stream'
  readonly job: string
  constructor(
    stream: string,
    job: string,
    status: string,
    elapsedMs: number,
    timeoutMs: number,
    aborted: boolean,
    /** The options that name statuses. None where the config names none. */
    named: readonly string[] = [],
  ) {
    const unnamed =
      named.length === 0
        ? ''
        : `. ${JSON.stringify(status)} is in none of ${named.map((option) => `\`${option}\``).join(', ')}: if it means that the job is over, add it to the right one`
    super(
      `${stream}: job ${job} is still ${status} after ${formatDuration(Math.round(elapsedMs / 1000) * 1000)}, and job.poll.timeout allows ${formatDuration(timeoutMs)}${aborted ? '; it was aborted' : ''}${unnamed}. Raise it if the API is known to be slow, or ask for less at once`,
    )
    this.job = job
  }
}

/** A response of a job's results holds another number of records than it says. */
export class JobCountError extends SluiceError {
  readonly code = 'JOB_INCOMPLETE'
  readonly recovery = 'stop-stream'
  readonly job: string
  constructor(stream: string, job: string, place: string, said: string, read: number) {
    super(
      `${stream}: a response with results of job ${job} holds ${read} ${read === 1 ? 'record' : 'records'}, and says ${said} at ${place} (\`job.count\`): the run stops before its end is committed, and the next one reads it again`,
    )
    this.job = job
  }
}
