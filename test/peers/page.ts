// docs/peers.md, as `npm run docs` writes it.
import type { NamedTest } from './named-tests.ts'
import { isOpen, type PeerPart, type PeerRow } from './rows.ts'

export function peersPage(parts: readonly PeerPart[], tests: readonly NamedTest[]): string {
  const rows = parts.flatMap((part) => part.rows)
  const open = rows.filter(isOpen)
  const planned = open.filter(({ why }) => /^(Planned|Not yet)/.test(why))
  const byRow = new Map<string, NamedTest[]>()
  for (const test of tests) byRow.set(test.id, [...(byRow.get(test.id) ?? []), test])
  return [
    '# What other tools have',
    '',
    '<!-- Written by `npm run docs` from `test/peers/rows.ts` and the comments `// PEERS: …` of the tests; edit those. -->',
    '',
    "Three open-source tools have taught most of what a declared source has to say: dlt's REST source (v1.26, April 2026), Airbyte's declarative manifests with their Python development kit (August 2026) and Meltano's SDK (August 2026).",
    'This page goes through what their configs can express, what their tests pin, and what their users have reported, and says for each how Sluice covers it and which test says so, or why it does not.',
    'It describes the versions named here; threads are named by their numbers, and may have been solved since.',
    '',
    `Of ${rows.length} rows, ${rows.length - open.length} are covered by tests that name them. ${planned.length} are planned or not there yet, and ${open.length - planned.length} are left out, each with its reason.`,
    '',
    parts.map(({ title }) => `[${title}](#${anchorOf(title)})`).join(' · '),
    '',
    ...parts.flatMap((part) => [
      `## ${part.title}`,
      '',
      ...(part.about === '' ? [] : [part.about, '']),
      '| there | what it is | in Sluice | test |',
      '| --- | --- | --- | --- |',
      ...part.rows.map((row) => tableRow(row, byRow.get(row.id) ?? [])),
      '',
    ]),
  ].join('\n')
}

function tableRow(row: PeerRow, tests: readonly NamedTest[]): string {
  const name = cell(nameOf(row.id))
  if (isOpen(row)) return `| ${name} | ${cell(row.has)} | ${cell(row.why)} | |`
  const page = row.docs.replace(/\.md.*$/, '')
  const how = `${cell(row.how)} ([${page}](${row.docs}))`
  return `| ${name} | ${cell(row.has)} | ${how} | ${testsCell(tests)} |`
}

/** The tests, by file: each file once. */
function testsCell(tests: readonly NamedTest[]): string {
  const byFile = new Map<string, Set<string>>()
  for (const { file, title } of tests) {
    byFile.set(file, (byFile.get(file) ?? new Set()).add(title ?? ''))
  }
  return [...byFile]
    .map(([file, titles]) => `\`${file}\` › ${[...titles].map(textCell).join('; ')}`)
    .join('<br>')
}

/** A row's name without the peer that its part speaks of; threads keep theirs. */
function nameOf(id: string): string {
  const name = id.replace(/^(?:dlt|Airbyte) /, '')
  return name.startsWith('#') ? `dlt${name}` : name
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** A title as plain text: nothing in it is Markdown. */
function textCell(title: string): string {
  return cell(title.replaceAll(/[\\`*_[\]<>]/g, '\\$&'))
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
