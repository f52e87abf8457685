// Where users of Airbyte's manifests and of Meltano's SDK hurt.
import type { PeerPart } from './rows.ts'

// biome-ignore format: tables, one row a line
export const complaintParts: readonly PeerPart[] = [
  { title: "Complaints about Airbyte's manifests and Meltano's SDK", about: 'By the number of their thread.', rows: [
    { id: 'airbyte-python-cdk#1148', has: 'no timeout, no guard against a token that repeats', how: '`timeouts`; R1', docs: 'limits-and-failures.md#timeouts-and-sizes' },
    { id: 'airbyte-python-cdk#1168', has: '30 s and 300 s as timeouts, not merged', how: 'Defaults of 10 s to connect, 60 s for headers, 60 s between two parts', docs: 'limits-and-failures.md#timeouts-and-sizes' },
    { id: 'estuary/connectors#2380', has: 'hangs for a day', how: 'A timeout for each part, and a deadline', docs: 'limits-and-failures.md#timeouts-and-sizes' },
    { id: 'airbyte#68631', has: '4 h became 64 h with fewer workers', how: 'Slices, pages and streams side by side; quotas are the only brake', docs: 'limits-and-failures.md#what-is-read-at-once' },
    { id: 'airbyte#9404', has: '9 h for 320,000 rows', how: 'The same; and the next page is asked for before the present one is handed on', docs: 'limits-and-failures.md#what-is-read-at-once' },
    { id: 'airbyte-python-cdk#484', has: 'a filter ends the list (also #1073, #1074)', how: 'A filter never ends a list', docs: 'transform.md#what-a-filter-does-not-do' },
    { id: 'airbyte#40734', has: "only the parent's first page is read", how: 'All pages', docs: 'slices.md#the-records-of-a-parent' },
    { id: 'airbyte-python-cdk#1081', has: '"478" is sent as a number', how: 'A text stays a text', docs: 'auth.md#oauth-20' },
    { id: 'airbyte#53129', has: 'backoff is not applied to parents', how: 'Parents are read through the same client', docs: 'slices.md#the-records-of-a-parent' },
    { id: 'airbyte#12986', has: 'no budgets of credits (also #7825)', how: '`points` with `cost`, declared or as the reply tells; requests, bytes, and requests in flight', docs: 'limits-and-failures.md#points-and-bytes' },
    { id: 'airbyte#69115', has: 'a budget lowered by hand because of 429s', how: 'What the API reports outranks the config (Q4)', docs: 'limits-and-failures.md#what-the-api-says' },
    { id: 'airbyte#33535', has: 'state messages of 1 MB', how: 'C6: a commit writes the rows of its own slices', docs: 'duckdb.md#tables-that-sluice-keeps' },
    { id: 'airbyte#60813', has: '2 GB in half an hour, killed ten times', how: 'Memory is bounded', docs: 'duckdb.md#memory' },
    { id: 'airbyte#42448', has: "an error's predicate loads a streamed body whole", how: 'A condition sees one line of a streamed body', docs: 'limits-and-failures.md#responses-that-mean-something-else' },
    { id: 'airbyte#26581', has: 'global state loses, state of each partition explodes (also #42406, #45125)', how: 'One row for each partition, tested with 100,000', docs: 'slices.md#the-records-of-a-parent' },
    { id: 'airbyte#37780', has: 'no schema evolution', how: 'Columns are added and widened as records bring them', docs: 'duckdb.md#types' },
    { id: 'airbyte#31687', has: 'a token ends inside the retries (also #13660)', how: 'Each attempt is signed afresh', docs: 'auth.md#oauth-20' },
    { id: 'PyAirbyte#671', has: 'a manifest fails in a runner of another version', why: 'Not yet: manifests of others are not run' },
    { id: 'meltano/sdk#2012', has: 'rate limit headers ignored; waiting looks like hanging (also #139, #1624)', how: 'Read by default; a wait is an event, shown with its end', docs: 'limits-and-failures.md#what-the-api-says' },
    { id: 'meltano/sdk#3631', has: 'state of partitions bloats and breaks the tap (also #298, #2350)', how: 'C6', docs: 'slices.md#the-records-of-a-parent' },
    { id: 'meltano/sdk#2643', has: 'timeouts are not retried', how: 'They are, at double the price', docs: 'limits-and-failures.md#retries' },
    { id: 'meltano/sdk#1627', has: 'batches by rows alone, a drain of five minutes (also #1626, #2692)', how: 'By records, bytes and age, each an option', docs: 'reference.md#pipeline' },
    { id: 'meltano/sdk#3340', has: 'a change of the schema within a run drops the table', how: 'R6: a new table is swapped in at the end; columns widen in place', docs: 'duckdb.md#replacement' },
    { id: 'meltano/sdk#171', has: 'each state message forces a drain', how: 'Thousands of slices share one commit', docs: 'slices.md#the-records-of-a-parent' },
  ] },
]
