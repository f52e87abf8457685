import type { Value } from '../ports/json.ts'
import type { Answer, Ruling } from './answer.ts'
import { apiMessage } from './api-message.ts'
import { HttpStatusError } from './errors.ts'
import { diagnose, type Trouble, type TroubleKind } from './trouble.ts'

export interface StatusErrorContext {
  /** Milliseconds since 1970. */
  readonly now: number
  /** What the request was for, as in `parent.id 7`. */
  readonly about?: string | undefined
  /** What the config says of the response. */
  readonly ruling?: Ruling | undefined
  /** Takes the secrets out of what is shown (S1). Default: the text stays, for whoever redacts the error. */
  readonly redact?: (text: string) => string
  /** What the response means, where that is known already. */
  readonly trouble?: Trouble
}

const shownLength = 300

/** The error that a response is. */
export function statusError(answer: Answer, context: StatusErrorContext): HttpStatusError {
  const { now, about, ruling, redact = (text: string) => text } = context
  const trouble = context.trouble ?? diagnose(answer, now)
  const kind = ruling === undefined ? trouble.kind : ruledKind(ruling, trouble.kind)
  const shown = (text: string) => {
    const line = redact(oneLine(text))
    return line.length > shownLength ? `${line.slice(0, shownLength)}…` : line
  }
  const excerpt = redact(oneLine(answer.text())).slice(0, shownLength)
  const said = ruling?.message ?? apiMessage(answer.body as Value | undefined)
  const wait = ruling?.retryAfterMs ?? trouble.retryAfterMs
  return new HttpStatusError({
    method: answer.method,
    url: answer.url,
    status: answer.status,
    detail: said === undefined ? excerpt : shown(said),
    excerpt,
    retryAfterMs: wait,
    kind,
    limit: trouble.limit,
    about,
    ruling,
    retryAt: wait === undefined ? undefined : now + wait,
  })
}

/** What ends a slice is asked again by nobody; but a 401 may be an old token, which says nothing of the record, and is renewed first. */
function ruledKind({ action }: Ruling, kind: TroubleKind): TroubleKind {
  switch (action) {
    case 'retry':
      return 'passing'
    case 'wait-for-quota':
      return 'throttled'
    case 'refresh-token':
      return 'credential'
    default:
      return kind === 'credential' ? 'credential' : 'refused'
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
