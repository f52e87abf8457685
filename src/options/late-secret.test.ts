import { expect, test } from 'vitest'
import { lateSecret } from './late-secret.ts'
import { parseSecret } from './secret.ts'

test('S1: a secret inside a longer text is known by itself, too, since an API may send it back alone', () => {
  const known: string[] = []
  const variable = '$' + '{env:KEY}'
  const reveal = lateSecret(parseSecret(`token ${variable}`), {
    lookup: () => 'abc123',
    onSecret: (value) => known.push(value),
  })
  expect(known).toEqual([])
  expect(reveal()).toBe('token abc123')
  expect(known).toEqual(['token abc123', 'abc123'])
})
