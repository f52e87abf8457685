import { pipelineOptions } from '../../config/pipeline.ts'
import { jsonSchemaOf } from '../../options/json-schema.ts'
import { exitCodes } from '../exit-code.ts'

/** `sluice schema`: the JSON Schema of a pipeline file, for editors. */
export async function schemaCommand(): Promise<number> {
  process.stdout.write(`${JSON.stringify(jsonSchemaOf(pipelineOptions), null, 2)}\n`)
  return exitCodes.done
}
