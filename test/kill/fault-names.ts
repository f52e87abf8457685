// The faults of the matrix.
export const FAULTS = [
  {
    name: 'commit points',
    what: 'SIGKILL at each step that the process takes towards the destination, found by watching one undisturbed run: before each kind of statement or file operation where it comes first and last, within COPY, and before, during and after commits',
  },
  { name: 'random moments', what: 'SIGKILL at any moment, four processes in a row' },
  {
    name: 'server killed',
    what: 'SIGKILL of the PostgreSQL server’s first process at any moment; it is started again, and recovers',
  },
  {
    name: 'connection cut in COPY',
    what: 'the connection breaks after a COPY has begun and before it has ended',
  },
  {
    name: 'disk full',
    what: 'the disk has room for a part of what is to be written; then there is room again',
  },
  {
    name: 'eight at once',
    what: 'eight processes of the pipeline begin at the same time; struck are those that were refused',
  },
  {
    name: 'asleep',
    what: 'a process stands still in the middle of a load or before its commit while another one takes over (with DuckDB: is refused); then it goes on',
  },
  {
    name: 'clock',
    what: 'the machine’s clock jumps by an hour, forward or back, in the middle of a run, and is an hour off in a later one',
  },
] as const

export type FaultName = (typeof FAULTS)[number]['name']
