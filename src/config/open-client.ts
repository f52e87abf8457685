import type { z } from 'zod'
import { closeAll } from '../engine/closing.ts'
import type { Client } from '../http/client.ts'
import { parseOptions } from '../options/parse-options.ts'
import { restFields } from '../source/rest-options.ts'
import { sourceClient } from './source-client.ts'
import { type SurroundingsOptions, surround } from './surroundings.ts'

const clientOptions = restFields.omit({
  type: true,
  query: true,
  check: true,
  defaults: true,
  streams: true,
})

/** What a source says of its API: address, credential, quotas, retries, breaker, timeouts, limits. */
export type OpenClientOptions = z.input<typeof clientOptions>

/**
 * A source's client alone, for your own loop: the options are those of a REST source, without its streams. Close it when you are done.
 * Clients, sources and pipelines that use one credential share its quotas where they are given the same `quotaRegistry`.
 * @throws ConfigError, SecretMissingError where the options can't be used as they are written
 */
export function openClient(
  name: string,
  options: OpenClientOptions,
  surroundings: SurroundingsOptions = {},
): Client {
  const settings = parseOptions(clientOptions, options)
  const around = surround(surroundings)
  const { client } = sourceClient(name, settings, around)
  return {
    ...client,
    [Symbol.asyncDispose]: () => closeAll([client, { [Symbol.asyncDispose]: around.close }]),
  }
}
