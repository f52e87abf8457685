// What `sluice init` asks the user.
import { ConfigError } from '../errors.ts'
import type { HttpStatusError } from '../http/errors.ts'
import { type AuthDraft, authForms, parseAuth } from '../init/auth-flag.ts'
import type { ApiDocument } from '../init/openapi/document.ts'
import { listNames } from '../init/openapi/draft-openapi.ts'
import { describeRefusal, refusalError, type SentCredential } from '../init/refusal.ts'
import type { Questions } from './questions.ts'

interface Dialogue {
  /** `undefined` where nobody can be asked. */
  readonly questions: Questions | undefined
  print(text: string): void
}

export async function askForAddress(questions: Questions | undefined): Promise<string | undefined> {
  return (
    (await questions?.ask('Address of a list, or an OpenAPI document (nothing: an example):')) || undefined
  )
}

/** @throws ConfigError where nobody can be asked, or nothing is answered */
export async function askForAuth(
  refused: HttpStatusError,
  sent: SentCredential,
  { questions, print }: Dialogue,
): Promise<AuthDraft> {
  if (questions === undefined) throw refusalError(refused, sent)
  print(`${describeRefusal(refused, sent)}.\n\n`)
  for (;;) {
    const answer = await questions.ask(
      `Credential, by the names of variables that are set (${authForms}; nothing: give up):`,
    )
    if (answer === '') throw refusalError(refused, sent)
    try {
      return parseAuth(answer)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      print(`${error.message}\n`)
    }
  }
}

/** The lists of a document that the user wants; `undefined` for all. */
export async function chooseStreams(
  document: ApiDocument,
  { questions, print }: Dialogue,
): Promise<readonly string[] | undefined> {
  const names = listNames(document)
  if (questions === undefined || names.length < 2) return undefined
  for (const [index, { name, path, summary }] of names.entries())
    print(`  ${String(index + 1).padStart(3)}. ${name}  GET ${path}${summary === '' ? '' : `  ${summary}`}\n`)
  for (;;) {
    const answer = await questions.ask('Which ones? Numbers or names with commas (nothing: all):')
    if (answer === '') return undefined
    const words = answer.split(/[\s,]+/).filter((word) => word !== '')
    const chosen = words.map((word) =>
      /^\d+$/.test(word) ? names[Number(word) - 1]?.name : names.find(({ name }) => name === word)?.name,
    )
    const wrong = words.find((_, index) => chosen[index] === undefined)
    if (wrong === undefined) return chosen.filter((name) => name !== undefined)
    print(`there is no ${wrong}\n`)
  }
}
