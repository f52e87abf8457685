// The public test kit: `sluice/testing`.

export { createSandbox, type Sandbox, type SandboxInput } from '../sandbox/sandbox.ts'
export { type SandboxServer, type SandboxServerOptions, startSandbox } from '../sandbox/server.ts'
export { sandboxTransport } from '../sandbox/transport.ts'
export {
  type ConformanceCase,
  type ConformanceHarness,
  conformanceCases,
  conformanceCasesFor,
  type HeldReject,
} from './destinations/conformance.ts'
export { checkPaginator } from './testing/check-paginator.ts'
export { type FakeClock, type FakeClockOptions, fakeClock } from './testing/fake-clock.ts'
export {
  type MemoryDestination,
  type MemoryDestinationOptions,
  memoryDestination,
} from './testing/memory-destination.ts'
export { listRequest, pageView, type ReadPage, readPages } from './testing/pages.ts'
export {
  type ScriptedReply,
  type ScriptedTransport,
  scriptedTransport,
} from './testing/scripted-transport.ts'
export { seededRandom } from './testing/seeded-random.ts'
