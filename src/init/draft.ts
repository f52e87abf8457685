// A pipeline that is about to be written: its options in the order of the file, each with what is to be said of it.
import type { Json } from '../ports/json.ts'

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

export function valuesOf(options: readonly OptionDraft[]): { [name: string]: Json } {
  return Object.fromEntries(options.map(({ name, value }) => [name, value]))
}

/** One line of a comment. What an API sent may hold line breaks, and must not get out of the comment by them. */
export function commentText(text: string): string {
  const oneLine = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()
  return oneLine.length > 300 ? `${oneLine.slice(0, 299)}…` : oneLine
}
