// What a test in another process may ask, under /_sandbox: no quota, no fault, no credential, not in the log.
//
//   GET  /_sandbox/truth/<table>   JSON Lines: {"key":"…","record":{…}}, one for each record that a warehouse must hold
//   GET  /_sandbox/stats           the statistics, with the request log
//   POST /_sandbox/mutate          {"inserts":1,"updates":1,"deletes":1,"at":ms}: one round of changes; answers with the round
//   POST /_sandbox/freeze          no more changes by themselves
//   POST /_sandbox/force           {"match":"/pay","kind":"reset","times":2}: the next requests that match fail so
//   POST /_sandbox/revoke          every access token ends now
import { FAULT_KINDS, type FaultKind } from './faults.ts'
import type { Sandbox } from './sandbox.ts'
import { json, type Reply } from './service.ts'
import { TABLES, type TruthRow } from './world.ts'

export function admin(sandbox: Sandbox, method: string, path: string, body: string): Reply {
  try {
    return answer(sandbox, method, path, body)
  } catch (error) {
    return json(400, { error: (error as Error).message })
  }
}

function answer(sandbox: Sandbox, method: string, path: string, body: string): Reply {
  const table = TABLES.find((name) => path === `/_sandbox/truth/${name}`)
  if (method === 'GET' && table) {
    return {
      status: 200,
      headers: { 'content-type': 'application/x-ndjson' },
      body: truthLines(sandbox.truth[table]()),
    }
  }
  switch (`${method} ${path}`) {
    case 'GET /_sandbox/stats':
      return json(200, sandbox.stats)
    case 'POST /_sandbox/mutate':
      return json(200, sandbox.mutate(parse(body)))
    case 'POST /_sandbox/force': {
      const {
        match = '/',
        kind,
        times = 1,
      } = parse(body) as { match?: string; kind?: FaultKind; times?: number }
      if (!kind || !FAULT_KINDS.includes(kind)) {
        return json(400, {
          error: `kind must be one of ${FAULT_KINDS.join(', ')}, not ${JSON.stringify(kind)}`,
        })
      }
      sandbox.force(match, kind, times)
      return json(200, { match, kind, times })
    }
    case 'POST /_sandbox/freeze':
      sandbox.freeze()
      return json(200, {})
    case 'POST /_sandbox/revoke':
      sandbox.revokeTokens()
      return json(200, {})
    default:
      return json(404, { error: `the sandbox has no ${method} ${path}` })
  }
}

function parse(body: string): Record<string, never> {
  return body === '' ? {} : JSON.parse(body)
}

const LINES_A_PIECE = 500

function* truthLines(rows: Iterable<TruthRow>): Generator<Uint8Array> {
  let lines: string[] = []
  for (const { key, json: record } of rows) {
    lines.push(`{"key":${JSON.stringify(key)},"record":${record}}\n`)
    if (lines.length < LINES_A_PIECE) continue
    yield Buffer.from(lines.join(''))
    lines = []
  }
  if (lines.length > 0) yield Buffer.from(lines.join(''))
}
