// What `sluice init` prints of the file that it has written.
import { checksOf, type PipelineDraft, variablesOf } from '../init/draft.ts'
import type { Probed } from '../init/probe-draft.ts'

/** What was found, stream by stream, as the file's comments have it; then, in one place, what is left to the user. */
export function summaryOf(draft: PipelineDraft, file: string): string {
  const { sourceName, streams } = draft
  const found = streams.map(({ name, off, options, notes }) => {
    const said = [...notes, ...options.flatMap(({ notes: own = [] }) => own)].filter(
      (note) => !isMarked(note),
    )
    return off === undefined
      ? `${sourceName}.${name}\n${said.map((note) => `    ${note}\n`).join('')}`
      : `${sourceName}.${name}  left out: ${off}\n`
  })
  const checks = checksOf(draft)
  const open =
    checks.length === 0
      ? ''
      : `\nTo be settled before a run, at CHECK in ${file}:\n${checks.map(({ at, note }) => `  - ${at}: ${note}\n`).join('')}`
  return `${found.join('')}${open}`
}

function isMarked(note: string): boolean {
  return note.startsWith('CHECK ')
}

/** What `--probe` could look at. */
export function probeSummary({ answered, failed, unasked }: Probed): string {
  const all = answered.length + failed.size + unasked.length
  const lines = [
    `--probe asked for ${answered.length + failed.size} of ${all} lists; ${answered.length} answered.`,
    ...(failed.size === 0
      ? []
      : [`Written as the document has them, unconfirmed: ${[...failed.keys()].join(', ')}.`]),
    ...(unasked.length === 0
      ? []
      : [`Not asked for, since they need the values of their slices: ${unasked.join(', ')}.`]),
  ]
  return `\n${lines.join('\n')}\n`
}

/** What to do next with the file. */
export function nextSteps(draft: PipelineDraft, file: string, isSet: (variable: string) => boolean): string {
  const first = draft.streams.find(({ off }) => off === undefined)!
  const unset = variablesOf(draft.source).filter((name) => !isSet(name))
  return steps([
    ...unset.map((name) => [`export ${name}=…`, 'which the pipeline needs'] as const),
    ...(checksOf(draft).length > 0 ? [[`edit ${file}`, 'what is to be settled'] as const] : []),
    [`sluice preview ${draft.sourceName}.${first.name} ${file}`, 'the first request, and some records'],
    [`sluice run ${file}`, 'load it into warehouse.duckdb'],
  ])
}

export function steps(list: readonly (readonly [command: string, what: string])[]): string {
  const width = Math.max(...list.map(([command]) => command.length))
  return `\n${list.map(([command, what], index) => `  ${index + 1}. ${command.padEnd(width)}  ${what}\n`).join('')}`
}
