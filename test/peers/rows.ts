// What other tools have: the rows of docs/peers.md. Each is covered by tests that name it, or says why there is none.
//
// A test names a row by a comment above it, on a line of its own: `// PEERS: <id>`.
import { airbyteParts } from './airbyte.ts'
import { complaintParts } from './complaints.ts'
import { dltParts } from './dlt.ts'
import { dltTestParts } from './dlt-tests.ts'

/** Tells one row from another: the peer, then the option, component, test or thread. */
interface RowName {
  readonly id: string
  /** What the peer has, or lacks, in a few words of ours. */
  readonly has: string
}

/** A row that Sluice covers, whose tests name it. */
export interface CoveredRow extends RowName {
  /** How Sluice covers it, and what of it is left out. Markdown. */
  readonly how: string
  /** Where the documentation tells of it: a page of docs/, with a heading. */
  readonly docs: string
}

/** A row that Sluice doesn't cover. */
export interface OpenRow extends RowName {
  /** Begins with "Planned", "Not yet", "Left out" or "Not a test", and gives the reason. Markdown. */
  readonly why: string
}

export type PeerRow = CoveredRow | OpenRow

export interface PeerPart {
  readonly title: string
  /** A sentence below the title, or ''. */
  readonly about: string
  readonly rows: readonly PeerRow[]
}

export const parts: readonly PeerPart[] = [...dltParts, ...dltTestParts, ...airbyteParts, ...complaintParts]

export function isOpen(row: PeerRow): row is OpenRow {
  return 'why' in row
}
