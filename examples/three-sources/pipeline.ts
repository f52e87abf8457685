// Three sources, three manners, read side by side: support tickets, payments and product events.
import {
  basic,
  bearer,
  cursor,
  definePipeline,
  duckdb,
  env,
  keyset,
  none,
  oauth2,
  offset,
  rest,
} from 'sluice'

// How each API hands out what has changed: a cursor that the next run goes on from.
const changes = {
  paginate: cursor({ token: 'after_cursor', param: 'cursor', more: '!end_of_stream', persist: true }),
  incremental: { by: 'position', start: { param: 'start_time', value: '2025-01-01', format: 'epoch' } },
  key: 'id',
} as const

// How the payment API lists anything: newest first, and 25 requests a second for each of its endpoints.
const newestFirst = {
  records: 'data',
  paginate: keyset({
    field: 'id',
    param: 'starting_after',
    more: 'has_more',
    size: { param: 'limit', value: 100 },
  }),
  key: 'id',
  quotas: [{ requests: 25, per: '1s', burst: 5 }],
}

export default definePipeline({
  name: 'three_sources',
  destination: duckdb({ path: 'warehouse.duckdb' }),
  sources: {
    // Zendesk's manners: a cursor that outlives the run, tokens that live 20 seconds, quota headers.
    desk: rest({
      baseUrl: env('DESK_URL'),
      auth: oauth2({
        grant: 'client_credentials',
        tokenUrl: env('DESK_TOKEN_URL'),
        clientId: env('DESK_CLIENT_ID'),
        clientSecret: env('DESK_CLIENT_SECRET'),
        clientAuth: 'body',
        bodyFormat: 'json',
      }),
      quotas: [{ requests: 700, per: '1m' }],
      streams: {
        users: { path: 'incremental/users/cursor', records: 'users', ...changes },
        tickets: { path: 'incremental/tickets/cursor', records: 'tickets', ...changes },
      },
    }),
    // Stripe's manners: a list from its newest record down to what is known, and one by days, the oldest first.
    pay: rest({
      baseUrl: env('PAY_URL'),
      auth: bearer({ token: env('PAY_KEY') }),
      streams: {
        transactions: {
          path: 'balance_transactions',
          ...newestFirst,
          incremental: {
            by: 'time',
            field: 'created',
            param: 'created[gte]',
            start: '2025-01-01',
            format: 'epoch',
          },
        },
        charges: {
          path: 'charges',
          ...newestFirst,
          slices: {
            by: 'time',
            size: '1d',
            start: '31d',
            from: { param: 'created[gte]', format: 'epoch' },
            to: { param: 'created[lt]', format: 'epoch', inclusive: false },
            lookback: '1h',
          },
        },
      },
    }),
    // Mixpanel's manners: a list by offset, and an export of one day as JSON Lines.
    track: rest({
      baseUrl: env('TRACK_URL'),
      auth: basic({ username: env('TRACK_USER'), password: env('TRACK_SECRET') }),
      query: { project_id: 1 },
      streams: {
        events: {
          path: 'query/events',
          records: 'results',
          unwrap: 'properties',
          paginate: offset({ total: 'total', size: { param: 'limit', value: 1000 } }),
          key: '$insert_id',
          write: 'append',
        },
        export: {
          path: '2.0/export',
          format: 'jsonl',
          unwrap: 'properties',
          paginate: none(),
          slices: {
            by: 'time',
            size: '1d',
            start: '31d',
            from: { param: 'from_date', format: 'date' },
            to: { param: 'to_date', format: 'date', inclusive: true },
            lookback: '5d',
          },
          quotas: [{ requests: 3, per: '1s', burst: 1 }],
          key: '$insert_id',
        },
      },
    }),
  },
})
