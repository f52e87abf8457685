import { stringify } from 'yaml'
import { commentText, type OptionDraft, type PipelineDraft, type StreamDraft } from './draft.ts'

/** The draft as a YAML file. */
export function writeYaml(draft: PipelineDraft): string {
  const lines = [
    ...comments('', draft.notes),
    '# The options and their meaning: docs/reference.md. For completion in an editor: sluice schema > sluice.schema.json',
    '# yaml-language-server: $schema=sluice.schema.json',
    `name: ${flow(draft.name)}`,
    'destination: { type: duckdb, path: warehouse.duckdb }',
    'sources:',
    `  ${flow(draft.sourceName)}:`,
    '    type: rest',
    ...draft.source.flatMap((option) => optionLines('    ', option)),
    ...(draft.sourceSuggestions ?? []).flatMap((option) => suggestionLines('    ', option)),
    '    streams:',
    ...draft.streams.flatMap(streamLines),
  ]
  return `${lines.join('\n')}\n`
}

function streamLines(stream: StreamDraft): string[] {
  const lines = [
    `      ${flow(stream.name)}:`,
    ...stream.options.flatMap((option) => optionLines('        ', option)),
    ...(stream.suggestions ?? []).flatMap((option) => suggestionLines('        ', option)),
  ]
  const notes = comments('      ', stream.notes)
  if (stream.off === undefined) return [...notes, ...lines]
  const commented = lines.map((line) => `      # ${line.slice(6)}`)
  return [...notes, ...comments('      ', [`Left out: ${stream.off}`]), ...commented]
}

function optionLines(indent: string, { name, value, notes = [] }: OptionDraft): string[] {
  return [...comments(indent, notes), `${indent}${flow(name)}: ${flow(value)}`]
}

function suggestionLines(indent: string, { name, value, notes = [] }: OptionDraft): string[] {
  return [...comments(indent, notes), `${indent}# ${flow(name)}: ${flow(value)}`]
}

function comments(indent: string, notes: readonly string[]): string[] {
  return notes.map((note) => `${indent}# ${commentText(note)}`)
}

/** On one line: what YAML would break or take for something else is quoted. */
function flow(value: unknown): string {
  return typeof value === 'string' && /[\n\r]/.test(value)
    ? JSON.stringify(value)
    : stringify(value, {
        collectionStyle: 'flow',
        lineWidth: 0,
        defaultStringType: 'PLAIN',
        aliasDuplicateObjects: false,
      }).trimEnd()
}
