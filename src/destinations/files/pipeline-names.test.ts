import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withSession, write } from '../conformance/harness.ts'
import { filesAt, temporaryFolder } from './test-files.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder.remove())

test('pipelines whose names look alike have a log of their own each', async () => {
  const long = 'p'.repeat(100)
  const names = ['my_loop', 'my loop', 'my/loop', '.my_loop', '_my_loop', `${long}1`, `${long}2`, '']
  for (const name of names)
    await withSession(
      filesAt(folder.path),
      async (session) => {
        expect(await session.readCheckpoints()).toEqual([])
        await write(session, [{ id: 1 }])
      },
      name,
    )
})

test('a folder that holds another pipeline is refused, to writers and readers', async () => {
  await withSession(filesAt(folder.path), (session) => write(session, [{ id: 1 }]), 'loop')
  // As a file system does that takes both names for one.
  await rename(join(folder.path, 'loop'), join(folder.path, 'Loop'))
  const message = `files ${join(folder.path, 'Loop')}/: the folder holds the pipeline "loop", and "Loop" would share its checkpoints. Nothing was changed; give one of them another name, or another path`
  for (const options of [{}, { readOnly: true }])
    await expect(filesAt(folder.path).open('Loop', options)).rejects.toThrow(message)
  await expect(filesAt(folder.path).list('Loop')).rejects.toMatchObject({ code: 'DESTINATION_FAILED' })
})
