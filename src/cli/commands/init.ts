import { existsSync, writeFileSync } from 'node:fs'
import { ConfigError } from '../../errors.ts'
import { exitCodes } from '../exit-code.ts'

/** `sluice init`: writes a pipeline that reads the sandbox, to run at once and to edit then. Overwrites nothing. */
export async function initCommand(file: string): Promise<number> {
  const kind = file.endsWith('.ts')
    ? 'ts'
    : file.endsWith('.yaml') || file.endsWith('.yml')
      ? 'yaml'
      : undefined
  if (kind === undefined) throw new ConfigError('', `${file}: name a file that ends in .ts or .yaml`)
  if (existsSync(file)) throw new ConfigError('', `${file} is there already: name another file`)
  writeFileSync(file, kind === 'ts' ? typescript : yaml)
  const steps = [
    ['sluice sandbox --port 8080', 'a local API to read from, in another terminal'],
    [`sluice run ${file}`, 'load it into warehouse.duckdb'],
    [`edit ${file}`, 'baseUrl, auth and streams, until it reads your API'],
  ] as const
  const width = Math.max(...steps.map(([command]) => command.length))
  const lines = steps.map(([command, what], index) => `  ${index + 1}. ${command.padEnd(width)}  ${what}\n`)
  process.stdout.write(`wrote ${file}\n\n${lines.join('')}`)
  return exitCodes.done
}

const typescript = `import { basic, definePipeline, duckdb, env, offset, rest } from 'sluice'

export default definePipeline({
  name: 'my_pipeline',
  destination: duckdb({ path: 'warehouse.duckdb' }),
  sources: {
    track: rest({
      baseUrl: 'http://127.0.0.1:8080/track/api/',
      // A secret comes from the environment, as in env('TRACK_SECRET').
      auth: basic({ username: 'sluice.service', password: 'track-sandbox-secret' }),
      quotas: [{ requests: 10, per: '1s' }],
      streams: {
        events: {
          path: 'query/events',
          query: { project_id: 1 },
          records: 'results',
          // A record is { event, properties: { … } }: its fields are lifted out of \`properties\`.
          unwrap: 'properties',
          paginate: offset({ total: 'total', size: { param: 'limit', value: 1000 } }),
          key: '$insert_id',
        },
      },
    }),
  },
})
`

const yaml = `# The options and their meaning: docs/reference.md. For completion in an editor: sluice schema > sluice.schema.json
# yaml-language-server: $schema=sluice.schema.json
name: my_pipeline
destination: { type: duckdb, path: warehouse.duckdb }
sources:
  track:
    type: rest
    baseUrl: http://127.0.0.1:8080/track/api/
    # A secret comes from the environment, as in \${env:TRACK_SECRET}.
    auth: { type: basic, username: sluice.service, password: track-sandbox-secret }
    quotas: [{ requests: 10, per: 1s }]
    streams:
      events:
        path: query/events
        query: { project_id: 1 }
        records: results
        # A record is { event, properties: { … } }: its fields are lifted out of \`properties\`.
        unwrap: properties
        paginate: { type: offset, total: total, size: { param: limit, value: 1000 } }
        key: $insert_id
`
