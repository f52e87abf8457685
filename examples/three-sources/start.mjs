// `npm start`: the sandbox on a free port, the pipeline run against it through the command line, and a query on what arrived.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { duckdbDestination } from '../../dist/src/index.js'
import { startSandbox } from '../../dist/src/testing.js'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))

const sandbox = await startSandbox({ records: 60_000, faults: 'some', stateFile: here('.data/sandbox.json') })
const { url } = sandbox
console.log(
  `The sandbox serves three APIs at ${url}: Zendesk's, Stripe's and Mixpanel's manners, and some faults.\n`,
)

const run = spawn(
  process.execPath,
  [here('../../dist/src/cli/main.js'), 'run', here('pipeline.ts'), ...process.argv.slice(2)],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      DESK_URL: `${url}/desk/api/v2`,
      DESK_TOKEN_URL: `${url}/desk/oauth/tokens`,
      DESK_CLIENT_ID: 'sluice',
      DESK_CLIENT_SECRET: 'desk-sandbox-secret',
      PAY_URL: `${url}/pay/v1`,
      PAY_KEY: 'sk_test_sluice',
      TRACK_URL: `${url}/track/api`,
      TRACK_USER: 'sluice.service',
      TRACK_SECRET: 'track-sandbox-secret',
    },
  },
)
const [code] = await once(run, 'exit')
await sandbox.close()
if (code !== 0) process.exit(code ?? 1)

const warehouse = duckdbDestination({ path: here('warehouse.duckdb') })
const rows = await warehouse.query(`
  SELECT status, count(*)::INTEGER AS tickets, min(created_at)::DATE::VARCHAR AS oldest, max(updated_at)::DATE::VARCHAR AS newest
  FROM desk_tickets GROUP BY status ORDER BY tickets DESC`)
console.log('\nTickets by status, from examples/three-sources/warehouse.duckdb:\n')
console.table(rows)
console.log(`Next:
  npm start                                            loads only what is new or changed since
  npx sluice state examples/three-sources/pipeline.ts  where each stream stands
  npx sluice init my.yaml                              a pipeline of your own
  docs/guide.md                                        from there to a run every hour`)
