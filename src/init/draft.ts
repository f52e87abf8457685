// A pipeline that is about to be written: its options in the order of the file, each with what is to be said of it.
import type { Json } from '../ports/json.ts'

/**
 * What a note begins with that the user has to settle: if the guess is wrong, records would be missing or mixed up, or the pipeline could
 * not run as it is. What stops a run with a message of its own, or loads everything anyway, bears no mark.
 */
const mark = 'CHECK '

export interface OptionDraft {
  readonly name: string
  /** Plain data; a secret is `${env:NAME}`, never a value (S1). */
  readonly value: Json
  /** What was found, what was guessed and why. */
  readonly notes?: readonly string[]
}

export interface StreamDraft {
  readonly name: string
  readonly notes: readonly string[]
  readonly options: readonly OptionDraft[]
  /** Options that are written as comments: they need something that can't be known from here. */
  readonly suggestions?: readonly OptionDraft[]
  /** Why the whole stream is written as a comment. */
  readonly off?: string
}

export interface PipelineDraft {
  readonly name: string
  /** What stands at the head of the file. */
  readonly notes: readonly string[]
  readonly sourceName: string
  readonly source: readonly OptionDraft[]
  readonly sourceSuggestions?: readonly OptionDraft[]
  readonly streams: readonly StreamDraft[]
}

/** The draft as `definePipeline` takes it, without what is written as a comment. */
export function pipelineOf(draft: PipelineDraft): { readonly [option: string]: Json } {
  return {
    name: draft.name,
    destination: { type: 'duckdb', path: 'warehouse.duckdb' },
    sources: {
      [draft.sourceName]: {
        type: 'rest',
        ...valuesOf(draft.source),
        streams: Object.fromEntries(
          draft.streams
            .filter(({ off }) => off === undefined)
            .map(({ name, options }) => [name, valuesOf(options)]),
        ),
      },
    },
  }
}

/** A note that the user has to settle, and where it stands. */
export interface Check {
  /** The stream, or the source. */
  readonly at: string
  readonly note: string
}

/** Everything that bears the mark, in the order of the file. What is commented out as a whole asks for nothing. */
export function checksOf({ sourceName, source, streams }: PipelineDraft): readonly Check[] {
  const marked = (at: string, notes: readonly string[]) =>
    notes.filter((note) => note.startsWith(mark)).map((note) => ({ at, note: note.slice(mark.length) }))
  const notesOf = (options: readonly OptionDraft[]) => options.flatMap(({ notes = [] }) => notes)
  return [
    ...marked(sourceName, notesOf(source)),
    ...streams
      .filter(({ off }) => off === undefined)
      .flatMap(({ name, notes, options }) =>
        marked(`${sourceName}.${name}`, [...notes, ...notesOf(options)]),
      ),
  ]
}

/** The draft with a line at its head that says where the marks are. */
export function withChecklist(draft: PipelineDraft): PipelineDraft {
  const places = [...new Set(checksOf(draft).map(({ at }) => at))]
  if (places.length === 0) return draft
  return { ...draft, notes: [...draft.notes, `To be settled before a run, at CHECK: ${places.join(', ')}`] }
}

/** The environment variables that a source needs. */
export function variablesOf(options: readonly OptionDraft[]): readonly string[] {
  const text = JSON.stringify(valuesOf(options))
  return [...new Set([...text.matchAll(/\$\{env:(\w+)\}/g)].map((match) => match[1]!))]
}

export function valuesOf(options: readonly OptionDraft[]): { [name: string]: Json } {
  return Object.fromEntries(options.map(({ name, value }) => [name, value]))
}

/** One line of a comment. What an API sent may hold line breaks, and must not get out of the comment by them. */
export function commentText(text: string): string {
  const oneLine = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()
  return oneLine.length > 300 ? `${oneLine.slice(0, 299)}…` : oneLine
}
