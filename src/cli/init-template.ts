/** A pipeline that reads the sandbox, to run at once and to edit then. */
export const typescriptTemplate = `import { basic, definePipeline, duckdb, env, offset, rest } from 'sluice'

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

export const yamlTemplate = `# The options and their meaning: docs/reference.md. For completion in an editor: sluice schema > sluice.schema.json
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
