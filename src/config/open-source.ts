import { z } from 'zod'
import { closeAll } from '../engine/closing.ts'
import { parseOptions } from '../options/parse-options.ts'
import type { Source } from '../ports/source.ts'
import { mergeDefaults, type RestOptions, restOptions } from '../source/rest-options.ts'
import { createSource } from './assemble.ts'
import { type SurroundingsOptions, surround } from './surroundings.ts'

const sourceOptions = z.pipe(mergeDefaults, restOptions)

/**
 * A source alone, for your own loop: its streams can be read, previewed, or written to a file without a pipeline.
 * Close it when you are done. What uses one credential shares its quotas where it is given the same `quotaRegistry`.
 * @throws ConfigError where the options are wrong
 */
export async function openSource(
  name: string,
  options: RestOptions,
  surroundings: SurroundingsOptions = {},
): Promise<Source> {
  const settings = parseOptions(sourceOptions, options)
  const around = surround(surroundings)
  const source = createSource(name, settings, around)
  return {
    ...source,
    [Symbol.asyncDispose]: () => closeAll([source, { [Symbol.asyncDispose]: around.close }]),
  }
}
