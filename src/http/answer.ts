import type { Value } from '../ports/json.ts'
import type { HttpHeaders } from '../ports/runtime.ts'

/** A response of which something is to be decided: a refusal, or a success whose body may be one. */
export interface Answer {
  readonly method: string
  /** Without secrets (S1). */
  readonly url: string
  readonly status: number
  readonly headers: HttpHeaders
  /** The decoded body; `undefined` where it is no JSON, was streamed, or is longer than what is read of a refusal (16 KiB). */
  readonly body: Value | undefined
  /** The body as text, or its start. */
  text(): string
}

/** What ends the reading of a slice without being its failure. */
export type EndAction = 'ignore' | 'skip-record' | 'stop-slice'
export type Action = EndAction | 'fail' | 'retry' | 'refresh-token' | 'wait-for-quota'

/** What the config says is to become of a response. */
export interface Ruling {
  readonly action: Action
  /** What to say of it, in place of what the API says. */
  readonly message?: string
  /** With `wait-for-quota`: how long the response asks to wait, in milliseconds, where the config says how to read it. */
  readonly retryAfterMs?: number
  /** What becomes of it when the retries are used up. */
  readonly finally?: EndAction | 'fail'
}

/** Judges the responses of one request, all of its attempts; `undefined`: as usual. */
export type React = (answer: Answer) => Ruling | undefined
