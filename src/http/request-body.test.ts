import { expect, test } from 'vitest'
import { encodeBody } from './request-body.ts'

const form = 'application/x-www-form-urlencoded; charset=utf-8'

test('a body is JSON unless its content type says otherwise', () => {
  expect(encodeBody({ a: [1] }, undefined)).toEqual({ text: '{"a":[1]}', contentType: 'application/json' })
  expect(encodeBody('text', 'application/vnd.api+json')).toEqual({
    text: '"text"',
    contentType: 'application/vnd.api+json',
  })
  expect(encodeBody('<a/>', 'application/xml')).toEqual({ text: '<a/>', contentType: 'application/xml' })
})

test('a form repeats the name of an array and holds no objects', () => {
  expect(encodeBody({ a: 'x y', ids: [1, 2], none: null }, form)).toEqual({
    text: 'a=x+y&ids=1&ids=2&none=',
    contentType: form,
  })
  expect(() => encodeBody({ a: { b: 1 } }, form)).toThrow(
    'body.a: a form field holds text, a number or a boolean, not an object',
  )
  expect(() => encodeBody([1], form)).toThrow('body: a form is an object of fields, not [1]')
})
