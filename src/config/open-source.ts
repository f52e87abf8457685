import { parseOptions } from '../options/parse-options.ts'
import type { Source } from '../ports/source.ts'
import { type RestOptions, restOptions } from '../source/rest-options.ts'
import { type AssembleOptions, createSource, surround } from './assemble.ts'

/**
 * A source alone, for your own loop: its streams can be read, previewed, or written to a file without a pipeline.
 * Close it when you are done.
 * @throws ConfigError where the options are wrong
 */
export async function openSource(
  name: string,
  options: RestOptions,
  surroundings: Omit<AssembleOptions, 'destination'> = {},
): Promise<Source> {
  const settings = parseOptions(restOptions, options)
  const around = surround(surroundings)
  const source = createSource(name, settings, around)
  return {
    ...source,
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]()
      await around.close()
    },
  }
}
