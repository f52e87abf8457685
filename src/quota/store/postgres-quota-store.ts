// The quota store in PostgreSQL. One function does a lease in one round trip, and a transaction does the holding of places, each under
// a lock of its key; times are the server's.
import type { Pool, PoolClient } from 'pg'
import { grantedPlaces, type PlaceHolder, patienceMs } from './place-share.ts'
import {
  countedMs,
  type HeldPlaces,
  type LeaseAsk,
  type PlacesAsk,
  type QuotaLease,
  type QuotaStore,
} from './quota-store.ts'

export interface PostgresQuotaStoreOptions {
  /** As in `postgres://user:password@host/database`. The user may create tables and functions in `schema`, or somebody has run the store once. */
  readonly url: string
  /** Where the three tables and the function are. Default: `public`. */
  readonly schema?: string
}

/** Connections at once: a process asks for one lease of a limit at a time. */
const connections = 4

/**
 * Shares quotas between the processes that use one database. Nothing is connected before the first lease; tables and function are created
 * when they are missing. Needs the package `pg`.
 */
export function postgresQuotaStore(options: PostgresQuotaStoreOptions): QuotaStore {
  const schema = quoted(options.schema ?? 'public')
  let opened: Promise<Pool> | undefined

  function pool(): Promise<Pool> {
    opened ??= open(options.url, schema).catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }

  return {
    async lease({ key, limit, perMs, wanted, least, holdMs }: LeaseAsk): Promise<QuotaLease> {
      const { rows } = await (await pool()).query(
        `select id, granted, retry_ms from ${schema}.sluice_quota_lease($1, $2, $3, $4, $5, $6)`,
        [key, limit, wanted, least, holdMs, countedMs(perMs)],
      )
      const { id, granted, retry_ms: retryMs } = rows[0]
      return { id: String(id), granted, retryInMs: Math.max(1, Math.ceil(retryMs)) }
    },
    async settle(_key, leaseId, used) {
      await (await pool()).query(
        `update ${schema}.sluice_quota_leases
         set amount = $2::double precision,
           ends_at = case when $2::double precision = 0 then clock_timestamp() else clock_timestamp() + counted end
         where id = $1`,
        [leaseId, used],
      )
    },
    async pause(key, pauseMs) {
      await (await pool()).query(
        `insert into ${schema}.sluice_quota_pauses (key, until) values ($1, clock_timestamp() + $2 * interval '1 millisecond')
         on conflict (key) do update set until = greatest(sluice_quota_pauses.until, excluded.until)`,
        [key, pauseMs],
      )
    },
    async hold(ask: PlacesAsk): Promise<HeldPlaces> {
      const client = await (await pool()).connect()
      try {
        await client.query('begin')
        const held = await holdPlaces(client, schema, ask)
        await client.query('commit')
        client.release()
        return held
      } catch (error) {
        // The connection is closed, and what it began with it.
        client.release(true)
        throw error
      }
    },
    async [Symbol.asyncDispose]() {
      await (await opened)?.end()
    },
  }
}

/** Within a transaction. */
async function holdPlaces(client: PoolClient, schema: string, ask: PlacesAsk): Promise<HeldPlaces> {
  const { key, id, concurrent, held, wanted, holdMs } = ask
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 2))', [key])
  const { rows } = await client.query<{ id: string; now: number } & PlaceHolder>(
    `with time as (select clock_timestamp() as now),
       ended as (delete from ${schema}.sluice_quota_places p using time where p.key = $1 and p.ends_at <= time.now)
     select p.id::text, p.amount, p.wanted, p.since, extract(epoch from time.now)::double precision * 1000 as now
       from time left join ${schema}.sluice_quota_places p on p.key = $1 and p.ends_at > time.now`,
    [key],
  )
  const holders = rows.filter((row) => row.id !== null)
  const own = holders.find((row) => row.id === id)
  const others = holders.filter((row) => row !== own)
  const { granted, amount, since } = grantedPlaces({ concurrent, held, wanted }, own, others, rows[0]!.now)
  if (amount === 0 && wanted === 0) {
    if (own !== undefined)
      await client.query(`delete from ${schema}.sluice_quota_places where id = $1`, [own.id])
    return { id: own?.id ?? '', granted }
  }
  const values = [amount, wanted, since, amount === 0 ? Math.min(patienceMs, holdMs) : holdMs]
  const endsAt = "clock_timestamp() + $4 * interval '1 millisecond'"
  const written = await client.query<{ id: string }>(
    own === undefined
      ? `insert into ${schema}.sluice_quota_places (amount, wanted, since, ends_at, key) values ($1, $2, $3, ${endsAt}, $5)
         returning id::text`
      : `update ${schema}.sluice_quota_places set amount = $1, wanted = $2, since = $3, ends_at = ${endsAt}
         where id = $5 returning id::text`,
    [...values, own?.id ?? key],
  )
  return { id: written.rows[0]!.id, granted }
}

async function open(url: string, schema: string): Promise<Pool> {
  const { default: pg } = await import('pg').catch((error: unknown) => {
    throw new Error('it needs the package pg: npm install pg', { cause: error })
  })
  const pool: Pool = new pg.Pool({ connectionString: url, max: connections })
  // An idle connection that breaks is replaced by the next query, which fails by itself where it can't be.
  pool.on('error', () => {})
  try {
    // Who may not create anything can use what somebody else has created.
    const { rows } = await pool.query('select to_regprocedure($1) is null as missing', [
      `${schema}.${leaseSignature}`,
    ])
    if (rows[0].missing) await pool.query(createStatements(schema))
    // Of keys that nobody asks for any more nothing would be left out by asking.
    await pool.query(`delete from ${schema}.sluice_quota_leases where ends_at <= clock_timestamp()`)
    return pool
  } catch (error) {
    await pool.end()
    throw error
  }
}

const leaseSignature = `sluice_quota_lease(text, ${Array(5).fill('double precision').join(', ')})`

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Under a lock: two processes that create the same thing at once would fail each other. */
function createStatements(schema: string): string {
  return `
    begin;
    select pg_advisory_xact_lock(hashtextextended('sluice_quota', 0));
    create table if not exists ${schema}.sluice_quota_leases (
      id bigint generated always as identity primary key,
      key text not null,
      amount double precision not null,
      counted interval not null,
      ends_at timestamptz not null
    );
    create index if not exists sluice_quota_leases_key on ${schema}.sluice_quota_leases (key);
    create table if not exists ${schema}.sluice_quota_pauses (key text primary key, until timestamptz not null);
    create table if not exists ${schema}.sluice_quota_places (
      id bigint generated always as identity primary key,
      key text not null,
      amount integer not null,
      wanted integer not null,
      since double precision not null,
      ends_at timestamptz not null
    );
    create index if not exists sluice_quota_places_key on ${schema}.sluice_quota_places (key);
    create or replace function ${schema}.sluice_quota_lease(
      limit_key text, most double precision, wanted double precision, least_granted double precision,
      hold_ms double precision, counted_ms double precision,
      out id bigint, out granted double precision, out retry_ms double precision
    ) language plpgsql as $body$
    declare
      now_at timestamptz;
      paused_until timestamptz;
      counted_now double precision;
      first_end timestamptz;
    begin
      perform pg_advisory_xact_lock(hashtextextended(limit_key, 1));
      now_at := clock_timestamp();
      granted := 0;
      retry_ms := 0;
      delete from ${schema}.sluice_quota_leases l where l.key = limit_key and l.ends_at <= now_at;
      select p.until into paused_until from ${schema}.sluice_quota_pauses p where p.key = limit_key and p.until > now_at;
      if paused_until is not null then
        retry_ms := extract(epoch from paused_until - now_at) * 1000;
        return;
      end if;
      select coalesce(sum(l.amount), 0), min(l.ends_at) into counted_now, first_end
        from ${schema}.sluice_quota_leases l where l.key = limit_key;
      granted := least(wanted, most - counted_now);
      if granted <= 0 or granted < least_granted then
        granted := 0;
        retry_ms := extract(epoch from first_end - now_at) * 1000;
        return;
      end if;
      insert into ${schema}.sluice_quota_leases (key, amount, counted, ends_at)
        values (limit_key, granted, counted_ms * interval '1 millisecond', now_at + (hold_ms + counted_ms) * interval '1 millisecond')
        returning sluice_quota_leases.id into id;
    end $body$;
    commit;`
}
