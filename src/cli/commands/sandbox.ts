import { startSandbox } from '../../../sandbox/server.ts'
import { exitCodes } from '../exit-code.ts'

export interface SandboxCommandOptions {
  readonly port: number
  readonly records: number
  readonly seed: number
  readonly faults: string
  readonly state?: string
}

/** `sluice sandbox`: serves the local API until it is stopped. */
export async function sandboxCommand(options: SandboxCommandOptions): Promise<number> {
  const { port, records, seed, faults, state } = options
  const server = await startSandbox({
    port,
    records,
    seed,
    faults,
    ...(state !== undefined && { stateFile: state }),
  })
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  process.stdout.write(
    [
      `sandbox with ${records.toLocaleString('en-US')} records (seed ${seed}, faults: ${faults}); stop it with Ctrl-C`,
      `  desk   ${server.url}/desk/api/v2    as Zendesk: incremental/tickets/cursor, incremental/users/cursor`,
      `  pay    ${server.url}/pay/v1         as Stripe: balance_transactions, charges`,
      `  track  ${server.url}/track/api      as Mixpanel: query/events, 2.0/export`,
      '',
    ].join('\n'),
  )
  await stopped
  await server.close()
  return exitCodes.done
}
