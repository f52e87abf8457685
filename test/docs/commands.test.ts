// What the pages tell people to type: commands, options and scripts that exist.
import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { readPages, root } from './pages.ts'

const scripts: Record<string, string> = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).scripts
const program = createProgram('0', () => {})

interface Typed {
  readonly place: string
  readonly words: readonly string[]
}

/** Every command line that starts with `name`, in blocks of any language but code, and in `code` within a sentence. */
function typed(name: 'sluice' | 'npm'): Typed[] {
  const start = new RegExp(`(?:^|[\\s'"/(])${name} (.*)`)
  return readPages().flatMap(({ path, text, blocks }) => {
    const inBlocks = blocks
      .filter(({ language }) => !['ts', 'text', 'sql', 'json', ''].includes(language))
      .flatMap(({ place, text }) => text.split('\n').map((line) => ({ place, line })))
    const inline = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)]
      .filter((match) => match[1]!.startsWith(`${name} `))
      .map((match) => ({ place: path, line: match[1]! }))
    return [...inBlocks, ...inline].flatMap(({ place, line }) => {
      const rest = start.exec(line)?.[1]?.split(/ (?:&&|\|\||\||#|>>?|2>)|\s{2,}|['"]\]?$/)[0]
      return rest === undefined ? [] : [{ place, words: rest.trim().split(/\s+/) }]
    })
  })
}

/** What is wrong with a command line of ours, or `undefined`. */
function mistake(words: readonly string[]): string | undefined {
  let command: Command = program
  const rest = [...words]
  while (command.commands.length > 0 && rest.length > 0) {
    const found = command.commands.find((each) => each.name() === rest[0])
    if (found === undefined) break
    command = found
    rest.shift()
  }
  if (command === program)
    return rest[0] === '--help' || rest[0] === '--version' ? undefined : 'no such command'
  if (command.commands.length > 0)
    command = command.commands.find((each) => each.name() === 'show') ?? command
  let given = 0
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index]!
    if (!word.startsWith('-')) {
      given++
      continue
    }
    const option = command.options.find(({ long }) => long === word)
    if (option === undefined) return `${command.name()} has no option ${word}`
    if (option.required && ++index >= rest.length) return `${word} needs a value`
  }
  const most = command.registeredArguments.length
  return given > most ? `${command.name()} takes at most ${most} arguments` : undefined
}

test('every `sluice` command of the pages exists, with its options', () => {
  const commands = typed('sluice')
  expect(commands.length).toBeGreaterThan(20)
  const wrong = commands.flatMap(({ place, words }) => {
    const problem = mistake(words)
    return problem === undefined ? [] : [`${place}: sluice ${words.join(' ')}: ${problem}`]
  })
  expect(wrong).toEqual([])
})

test('every npm script of the pages exists', () => {
  const known = new Set([...Object.keys(scripts), 'install', 'ci', 'i', 'link', 'pack'])
  const wrong = typed('npm')
    .filter(({ place }) => !place.startsWith('CONTRIBUTING.md'))
    .filter(({ words }) => !known.has(words[0] === 'run' ? words[1]! : words[0]!))
  expect(wrong.map(({ place, words }) => `${place}: npm ${words.join(' ')}`)).toEqual([])
})

test('what `npm start` proposes at its end exists, and is set out in two columns', () => {
  const text = readFileSync(`${root}examples/three-sources/start.mjs`, 'utf8')
  const proposals = [.../`Next:\n([\s\S]*?)`/.exec(text)![1]!.matchAll(/^ {2}(\S.*?) {2,}(\S.*)$/gm)]
  expect(proposals.length).toBeGreaterThan(3)
  expect(new Set(proposals.map(([line, , what]) => line.lastIndexOf(what!))).size).toBe(1)
  for (const [, typed] of proposals) {
    const [first, second, ...rest] = typed!.split(' ')
    if (first === 'npm') expect(scripts).toHaveProperty(second!)
    else if (first === 'npx') expect([second, mistake(rest)]).toEqual(['sluice', undefined])
    else expect(existsSync(root + typed)).toBe(true)
    for (const word of rest) if (word.includes('/')) expect(existsSync(root + word)).toBe(true)
  }
})

test('a command line that is wrong is found', () => {
  expect(mistake(['rum'])).toBe('no such command')
  expect(mistake(['run', 'pipeline.ts', '--ful-refresh'])).toBe('run has no option --ful-refresh')
  expect(mistake(['state', 'reset', 'a.b', 'pipeline.ts', 'c'])).toBe('reset takes at most 2 arguments')
})
