import { Command, InvalidArgumentError, Option } from 'commander'
import { ConfigError } from '../errors.ts'
import { duration } from '../options/duration.ts'
import type { FilesCommandOptions } from './commands/files.ts'
import type { InitCommandOptions } from './commands/init.ts'
import type { LoadsCommandOptions } from './commands/loads.ts'
import type { PlanCommandOptions } from './commands/plan.ts'
import type { RunCommandOptions } from './commands/run.ts'
import type { SandboxCommandOptions } from './commands/sandbox.ts'

/**
 * The command line: what may be typed. Each command resolves to the process's exit code, handed to `onExit`, and is
 * loaded when it is asked for: help and mistakes need no database.
 */
export function createProgram(version: string, onExit: (code: number) => void): Command {
  const program = new Command('sluice')
    .description('Moves data out of HTTP APIs into a warehouse, every record exactly once.')
    .version(version)
    .showHelpAfterError('(sluice --help lists what there is)')
    .exitOverride()
    .addHelpText(
      'after',
      '\nFILE is a pipeline file (.ts, .js, .yaml, .json); default: the one in this folder.\nExit codes: 0 done, 1 a stream failed, 2 the config is wrong, 75 paused until a quota has room, 130 interrupted.',
    )

  selectable(program.command('run [file]').description('load what is new'))
    .option('--json', 'print one machine-readable report on stdout')
    .option(
      '--patience <time>',
      "longest wait for a quota, as in 10m: a longer one pauses the stream (default: the pipeline's, 2h)",
      durationText('--patience'),
    )
    .action(async (file: string | undefined, options: RunCommandOptions) =>
      onExit(await (await import('./commands/run.ts')).runCommand(file, options)),
    )

  selectable(
    program.command('plan [file]').description('show what a run would read, from where, with which requests'),
  )
    .option('--json', 'print the plan as JSON')
    .action(async (file: string | undefined, options: PlanCommandOptions) =>
      onExit(await (await import('./commands/plan.ts')).planCommand(file, options)),
    )

  program
    .command('preview <stream> [file]')
    .description('show the first request and some records of a stream; load nothing')
    .option('--limit <n>', 'how many records', wholeNumber, 5)
    .action(async (stream: string, file: string | undefined, options: { limit: number }) =>
      onExit(await (await import('./commands/preview.ts')).previewCommand(stream, file, options)),
    )

  const state = program.command('state').description('show or reset the checkpoints')
  state
    .command('show [file]', { isDefault: true })
    .description('show the checkpoints (the default)')
    .option('--json', 'print them as JSON')
    .action(async (file: string | undefined, options: { json?: boolean }) =>
      onExit(await (await import('./commands/state.ts')).stateCommand(file, options)),
    )
  state
    .command('reset <stream> [file]')
    .description(
      'forget the checkpoints of a stream: the next run reads it from its beginning, its rows stay',
    )
    .action(async (stream: string, file: string | undefined) =>
      onExit(await (await import('./commands/state.ts')).resetCommand(stream, file)),
    )

  program
    .command('loads [file]')
    .description('list what was committed, the last load first')
    .option('--stream <name>', 'only loads of this stream, as in desk.tickets')
    .option('--limit <n>', 'how many', wholeNumber, 20)
    .option('--json', 'print them as JSON')
    .action(async (file: string | undefined, options: LoadsCommandOptions) =>
      onExit(await (await import('./commands/loads.ts')).loadsCommand(file, options)),
    )

  program
    .command('files [file]')
    .description('list the data files that are live, of a pipeline that loads into files')
    .option('--stream <name>', 'only those of this stream or table, as in desk.tickets')
    .option('--sql', 'print the views by which DuckDB reads the live rows')
    .option('--json', 'print all of it as JSON')
    .action(async (file: string | undefined, options: FilesCommandOptions) =>
      onExit(await (await import('./commands/files.ts')).filesCommand(file, options)),
    )

  program
    .command('revert <load> [file]')
    .description(
      'take an appended load out again, its rows and its checkpoint: the next run reads on from before it',
    )
    .option('--with-later', 'also take out the later loads of its stream, which went on from it')
    .action(async (load: string, file: string | undefined, options: { withLater?: boolean }) =>
      onExit(await (await import('./commands/revert.ts')).revertCommand(load, file, options)),
    )

  program
    .command('verify <stream> [file]')
    .description(
      'read a stream anew and tell what is missing, extra or different in its table; change nothing',
    )
    .option('--json', 'print the report as JSON')
    .action(async (stream: string, file: string | undefined, options: { json?: boolean }) =>
      onExit(await (await import('./commands/verify.ts')).verifyCommand(stream, file, options)),
    )

  program
    .command('check [file]')
    .description('try the credentials, and whether the APIs and the destination can be reached')
    .action(async (file: string | undefined) =>
      onExit(await (await import('./commands/check.ts')).checkCommand(file)),
    )

  const auth = program.command('auth').description('log in to a source, and show what is stored of logins')
  auth
    .command('login <source> [file]')
    .description('log in to a source in a browser, once: runs go on from it')
    .action(async (source: string, file: string | undefined) =>
      onExit(await (await import('./commands/auth-login.ts')).authLoginCommand(source, file)),
    )
  auth
    .command('status [file]')
    .description("show each source's kind of credential, and whether a token is stored; never the token")
    .action(async (file: string | undefined) =>
      onExit(await (await import('./commands/auth-status.ts')).authStatusCommand(file)),
    )

  program
    .command('init [target] [file]')
    .description(
      'write a pipeline file: from the address of a list, an OpenAPI document, or an example (.ts or .yaml)',
    )
    .addOption(
      new Option('--format <kind>', 'of the file, where its name does not say it').choices(['yaml', 'ts']),
    )
    .option(
      '--auth <where>',
      'bearer:VARIABLE, header:NAME:VARIABLE, query:NAME:VARIABLE or basic:VARIABLE:VARIABLE',
    )
    .option('--key <fields>', 'what tells one record from another, in place of what the records show', listed)
    .option('--only <names>', 'of a document: streams, tags or paths, separated by commas', listed)
    .option('--probe', 'of a document: ask for the first page of each list, and compare')
    .action(async (target: string | undefined, file: string | undefined, options: InitCommandOptions) =>
      onExit(await (await import('./commands/init.ts')).initCommand(target, file, options)),
    )

  program
    .command('schema')
    .description('print the JSON Schema of a pipeline file, for editors')
    .action(async () => onExit(await (await import('./commands/schema.ts')).schemaCommand()))

  program
    .command('sandbox')
    .description('serve a local API with the manners of Zendesk, Stripe and Mixpanel')
    .option('--port <n>', 'port on 127.0.0.1; 0 takes a free one', wholeNumber, 0)
    .option('--records <n>', 'records in all', wholeNumber, 60_000)
    .option('--seed <n>', 'the same seed gives the same data and faults', wholeNumber, 1)
    .option('--faults <share>', 'none, some, many, or a share of the requests from 0 to 1', 'none')
    .option('--state <path>', 'a file that keeps the data and its changes from one start to the next')
    .action(async (options: SandboxCommandOptions) =>
      onExit(await (await import('./commands/sandbox.ts')).sandboxCommand(options)),
    )

  return program
}

function selectable(command: Command): Command {
  return command
    .option('--only <names>', 'streams (desk.tickets) or sources (desk), separated by commas', listed)
    .option(
      '--since <time>',
      'backfill from this ISO date or time on; leaves the checkpoints alone',
      isoTime('--since'),
    )
    .option('--until <time>', 'backfill up to this ISO date or time', isoTime('--until'))
    .option('--full-refresh', 'read everything anew, and swap the new tables in at the end')
    .hook('preAction', refuseEmptyBackfill)
}

function listed(names: string): string[] {
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** @throws ConfigError where nothing lies between the two */
function refuseEmptyBackfill(command: Command): void {
  const { since, until } = command.opts<{ since?: string; until?: string }>()
  if (since === undefined || until === undefined || Date.parse(since) < Date.parse(until)) return
  throw new ConfigError('--until', `${until} is not after ${since} (--since): there is nothing between them`)
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError(`${JSON.stringify(text)} is no whole number.`)
  return Number(text)
}

function durationText(option: string): (text: string) => string {
  return (text) => {
    const result = duration.safeParse(text)
    if (!result.success) throw new ConfigError(option, result.error.issues[0]!.message)
    return text
  }
}

function isoTime(option: string): (text: string) => string {
  return (text) => {
    if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(Date.parse(text))) {
      throw new ConfigError(
        option,
        `${JSON.stringify(text)} is no ISO date or time, as in 2026-01-31 or 2026-01-31T12:00:00Z`,
      )
    }
    return text
  }
}
