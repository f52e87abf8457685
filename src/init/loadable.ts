// A draft is written when it loads, and not before.
import { definePipeline } from '../config/pipeline.ts'
import { ConfigError } from '../errors.ts'
import { type PipelineDraft, pipelineOf } from './draft.ts'

/**
 * The draft, in which streams that would not load are comments that say why.
 * @throws ConfigError where nothing would be left of it
 */
export function loadable(draft: PipelineDraft): PipelineDraft {
  let left = draft
  for (;;) {
    if (left.streams.every(({ off }) => off !== undefined))
      throw new ConfigError(
        '',
        `no stream is left that could be run: ${left.streams
          .slice(0, 5)
          .map(({ name, off }) => `${name}: ${off}`)
          .join('; ')}`,
      )
    try {
      definePipeline(pipelineOf(left) as never)
      return left
    } catch (error) {
      const message = error instanceof ConfigError ? error.message : ''
      const at = left.streams.find(
        ({ name, off }) => off === undefined && names(message, `sources.${left.sourceName}.streams.${name}`),
      )
      if (at === undefined) throw error
      const why = message.split('\n')[0]!
      left = {
        ...left,
        streams: left.streams.map((stream) => (stream === at ? { ...stream, off: why } : stream)),
      }
    }
  }
}

/** Whether a message speaks of that option: of the stream `orders`, not of `order`. */
function names(message: string, path: string): boolean {
  return message
    .split(path)
    .slice(1)
    .some((rest) => !/^\w/.test(rest))
}
