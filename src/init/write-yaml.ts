import { isDeepStrictEqual } from 'node:util'
import { parse, stringify } from 'yaml'
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

/** On one line: what YAML would break or take for something else is written as JSON, which is YAML, too. */
function flow(value: unknown): string {
  const text = stringify(value, {
    collectionStyle: 'flow',
    lineWidth: 0,
    defaultStringType: 'PLAIN',
    aliasDuplicateObjects: false,
  }).trimEnd()
  return isTakenFor(value, text) ? text : JSON.stringify(value)
}

/** Whether the text, as the value of a key, is read as what it stands for. */
function isTakenFor(value: unknown, text: string): boolean {
  if (/[\n\r\u0085\u2028\u2029]/.test(text)) return false
  try {
    return isDeepStrictEqual(parse(`- key: ${text}\n`), [{ key: value }])
  } catch {
    return false
  }
}
