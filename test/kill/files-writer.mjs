// Commits rows into files for as long as it lives: 500 a load, numbered on from what its checkpoint says.
import { filesDestination } from '../../dist/src/destinations/files/files.js'

const [path, format] = process.argv.slice(2)
const destination = filesDestination({ path, format })
try {
  const session = await destination.open('p')
  const [checkpoint] = await session.readCheckpoints('s')
  let { version, highWater } = checkpoint ?? { version: 0, highWater: 0 }
  process.stdout.write('begun\n')
  const schema = { columns: [{ field: 'id', name: 'id', type: { kind: 'integer' } }] }
  for (;;) {
    const records = Array.from({ length: 500 }, (_, at) => ({ id: highWater + at + 1 }))
    const next = { slice: 'all', fromVersion: version, position: null, highWater: highWater + records.length }
    await session.commit({
      id: `load-${process.pid}-${version}`,
      runId: 'r',
      at: 0,
      stream: 's',
      table: 't',
      mode: 'append',
      key: [],
      schema,
      records,
      rejects: [],
      checkpoints: [next],
    })
    version++
    highWater = next.highWater
    process.stdout.write(`committed ${highWater}\n`)
  }
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
