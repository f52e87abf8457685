// The quota store in PostgreSQL. One function does a lease in one round trip, under a lock of its key; times are the server's.
import type { Pool } from 'pg'
import { countedMs, type LeaseAsk, type QuotaLease, type QuotaStore } from './quota-store.ts'

export interface PostgresQuotaStoreOptions {
  /** As in `postgres://user:password@host/database`. The user may create tables and functions in `schema`, or somebody has run the store once. */
  readonly url: string
  /** Where the two tables and the function are. Default: `public`. */
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
    async lease({ key, requests, perMs, wanted, holdMs }: LeaseAsk): Promise<QuotaLease> {
      const { rows } = await (await pool()).query(
        `select id, granted, retry_ms from ${schema}.sluice_quota_lease($1, $2, $3, $4, $5)`,
        [key, requests, wanted, holdMs, countedMs(perMs)],
      )
      const { id, granted, retry_ms: retryMs } = rows[0]
      return { id: String(id), granted, retryInMs: Math.max(1, Math.ceil(retryMs)) }
    },
    async settle(_key, leaseId, used) {
      await (await pool()).query(
        `update ${schema}.sluice_quota_leases
         set amount = $2, ends_at = case when $2 = 0 then clock_timestamp() else clock_timestamp() + counted end
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
    async [Symbol.asyncDispose]() {
      await (await opened)?.end()
    },
  }
}

async function open(url: string, schema: string): Promise<Pool> {
  const { default: pg } = await import('pg').catch((error: unknown) => {
    throw new Error('it needs the package pg: npm install pg', { cause: error })
  })
  const pool: Pool = new pg.Pool({ connectionString: url, max: connections })
  // An idle connection that breaks is replaced by the next query, which fails by itself where it can't be.
  pool.on('error', () => {})
  try {
    await pool.query(createStatements(schema))
    return pool
  } catch (error) {
    await pool.end()
    throw error
  }
}

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
      amount integer not null,
      counted interval not null,
      ends_at timestamptz not null
    );
    create index if not exists sluice_quota_leases_key on ${schema}.sluice_quota_leases (key);
    create table if not exists ${schema}.sluice_quota_pauses (key text primary key, until timestamptz not null);
    create or replace function ${schema}.sluice_quota_lease(
      limit_key text, most integer, wanted integer, hold_ms double precision, counted_ms double precision,
      out id bigint, out granted integer, out retry_ms double precision
    ) language plpgsql as $body$
    declare
      now_at timestamptz;
      paused_until timestamptz;
      counted_now integer;
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
      if granted <= 0 then
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
