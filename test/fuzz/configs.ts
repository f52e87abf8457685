// Configs: `definePipeline` gives a pipeline, or a ConfigError that names a path and no secret.
import { definePipeline, type PipelineInput } from '../../src/config/pipeline.ts'
import { ConfigError } from '../../src/errors.ts'
import type { Chance } from './chance.ts'
import { literalSecret } from './config-values.ts'
import { Finding, type FuzzKind, must, type Show } from './kind.ts'
import { errorText } from './leaks.ts'
import { mutate } from './mutate.ts'
import { validPipeline } from './valid-pipeline.ts'

export const configs: FuzzKind = { name: 'configs', share: 15, run: playConfig }

function playConfig(chance: Chance, show: Show): string {
  const input = validPipeline(chance)
  const done = chance.list(0, chance.oneOf([1, 1, 2, 5]), () => mutate(input, chance))
  show('mutations', done)
  show('config', input)
  try {
    definePipeline(input as unknown as PipelineInput)
    return done.length === 0 ? 'valid' : 'valid all the same'
  } catch (error) {
    if (done.length === 0) throw new Finding(`a valid config was refused: ${String(error)}`, { cause: error })
    if (!(error instanceof ConfigError)) {
      throw new Finding(`definePipeline threw ${String(error).slice(0, 300)} after ${done.join(', ')}`, {
        cause: error,
      })
    }
    const first = error.message.split('\n')[0]!
    must(first.trim() !== '', () => 'the message is empty')
    must(error.path !== '' || !first.startsWith(':'), () => `the message names no path: ${first}`)
    must(error.message.length < 100_000, () => `the message has ${error.message.length} characters`)
    // A credential that stands somewhere else than it should is no longer known as one.
    const moved = done.some((what) => what.startsWith('the value of'))
    const said = `${error.message}\n${error.path}`
    must(
      moved || !said.includes(literalSecret),
      () => `the message quotes a credential: ${error.message.slice(0, 500)} after ${done.join(', ')}`,
    )
    must(
      moved || !errorText({ ...error, cause: undefined }).includes(literalSecret),
      () => 'a field quotes a credential',
    )
    return 'refused'
  }
}
