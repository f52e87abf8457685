// `npm run docs`: writes docs/reference.md and docs/sluice.schema.json from the option schemas, and docs/peers.md from the tests. It needs no
// build.
import { writeFileSync } from 'node:fs'
import { createJiti } from 'jiti'

const jiti = createJiti(import.meta.url, { fsCache: false })
const { pipelineOptions } = await jiti.import('../src/config/pipeline.ts')
const { referencePage } = await jiti.import('../src/config/reference.ts')
const { jsonSchemaOf } = await jiti.import('../src/options/json-schema.ts')
const { readNamedTests } = await jiti.import('../test/peers/named-tests.ts')
const { peersPage } = await jiti.import('../test/peers/page.ts')
const { parts } = await jiti.import('../test/peers/rows.ts')

const schema = jsonSchemaOf(pipelineOptions)
const files = {
  'reference.md': referencePage(schema),
  'sluice.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
  'peers.md': peersPage(parts, readNamedTests()),
}
for (const [name, text] of Object.entries(files)) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), text)
  console.log(`wrote docs/${name}`)
}
