// docs/kill-matrix.md, made by `npm run kill`.
import { FAULTS, type FaultName } from './fault-names.ts'
import type { Mode } from './modes.ts'

/** What one destination, mode and fault came to. */
export interface Row {
  readonly target: string
  readonly mode: Pick<Mode, 'name' | 'write' | 'what'>
  readonly fault: FaultName
  readonly runs: number
  /** How often the fault struck: several times in one run of random moments; not at all where the process ended before its moment. */
  readonly struck: number
  readonly survived: number
  /** Pages, at most. */
  readonly again: number
  /** Of them those that had been committed, at most. */
  readonly committedAgain: number
  /** C4's bounds of the two. */
  readonly bound: number
  readonly committedBound: number
}

export interface MatrixRun {
  readonly seed: number
  readonly random: number
  readonly rows: readonly Row[]
  /** How many pipelines there were to be, where the run was broken off. */
  readonly planned?: number | undefined
  /** Faults that could not be made on the machine, with the reason. */
  readonly skipped: readonly string[]
}

export function killPage({ seed, random, rows, planned, skipped }: MatrixRun): string {
  const sum = (value: (row: Row) => number) => rows.reduce((total, row) => total + value(row), 0)
  const modes = [...new Map(rows.map(({ mode }) => [mode.name, mode])).values()]
  const text = [
    '# What was killed, and what came of it',
    `A pipeline loads from an API whose connections break and whose bodies are cut off (a request in five) into each destination, in each way of writing. It is small, 8 to 10 pages (of *windows* 48 short ones),
with a commit for every second one or so, and it meets a fault. What is there then is compared with the truth, record by record and field by field: nothing is
there twice, nothing that the API does not have, no row without its load and its checkpoint, no column without its schema and no schema without its column. Then the pipeline is run again, to its end:
the table is the truth, and what the API was asked for a second time is counted.`,
    'The faults:',
    FAULTS.map(({ name, what }) => `- *${name}*: ${what}`).join('\n'),
    'The modes:',
    modes.map(({ name, what }) => `- *${name}*: ${what}`).join('\n'),
    `Within the run a column widens (from integers to decimals, or from decimals to text), and in most modes one appears in the middle of it; with *history*, \`delete\` and \`reconcile\` the table has
had them before.`,
    `*Again* is how many pages a process got that one before it had got, at most, and *committed* how many of these had been committed; beside each stands what C4 allows. Pages that were not
committed have to be read again: those of the batch that was under way, of the one that was being filled, and what was asked for ahead.`,
    `\`npm run kill\` makes this page; this one with seed ${seed} and ${random} deaths or more at random moments for each destination and way of writing.
\`npm run kill -- --targets postgres --modes merge --random 20\` runs a part, and leaves the page alone. ${count(sum((row) => row.runs))} pipelines, struck ${count(sum((row) => row.struck))} times;
${count(sum((row) => row.survived))} of them survived: their tables were whole after every blow, and the truth in the end.`,
    ...(planned === undefined
      ? []
      : [
          `This run was broken off before its end, ${count(sum((row) => row.runs))} of ${count(planned)} pipelines in a drawn order.`,
        ]),
    ...(skipped.length === 0 ? [] : [`Not made: ${skipped.join('; ')}.`]),
    [
      '| destination | write | mode | fault | pipelines | struck | survived | again | committed |',
      '|---|---|---|---|--:|--:|--:|--:|--:|',
      ...rows.map(
        (row) =>
          `| ${row.target} | ${row.mode.write} | ${row.mode.name} | ${row.fault} | ${row.runs} | ${row.struck} | ${
            row.survived === row.runs ? row.survived : `**${row.survived}**`
          } | ${row.again} of ${row.bound} | ${row.committedAgain} of ${row.committedBound} |`,
      ),
    ].join('\n'),
  ]
  return `${text.join('\n\n')}\n`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}
