import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LongDecimal } from '../ports/json.ts'
import { encodeBody } from './request-body.ts'

const form = 'application/x-www-form-urlencoded; charset=utf-8'
const text = (body: unknown, contentType?: string) => encodeBody(body as never, contentType).text

// PEERS: dlt endpoint.json
// PEERS: dlt json and data exclude each other
// PEERS: dlt test_client json and data refused
// PEERS: Airbyte RequestBodyJsonObject
test('a body is JSON unless its content type says otherwise', () => {
  expect(encodeBody({ a: [1] }, undefined)).toEqual({ text: '{"a":[1]}', contentType: 'application/json' })
  expect(encodeBody('text', 'application/vnd.api+json')).toEqual({
    text: '"text"',
    contentType: 'application/vnd.api+json',
  })
  expect(encodeBody('<a/>', 'application/xml')).toEqual({ text: '<a/>', contentType: 'application/xml' })
})

test('R4: a long number in a JSON body keeps its digits', () => {
  const body = { id: 9007199254740993n, price: new LongDecimal('0.10000000000000000001') }
  expect(text(body)).toBe('{"id":9007199254740993,"price":0.10000000000000000001}')
})

// PEERS: dlt client form data as an object, with repeated keys, and as a raw text
// PEERS: dlt endpoint.data
test('a form repeats the name of a list, leaves null out, and takes a text as it is', () => {
  expect(encodeBody({ a: 'x y', ids: [1, 2], none: null, empty: '' }, form)).toEqual({
    text: 'a=x+y&ids=1&ids=2&empty=',
    contentType: form,
  })
  expect(text('a=1&a=2&b=%20', form)).toBe('a=1&a=2&b=%20')
})

test('objects in a form make bracketed names', () => {
  expect(text({ created: { gte: 5, lt: null }, expand: { ids: [1, 2] } }, form)).toBe(
    'created%5Bgte%5D=5&expand%5Bids%5D=1&expand%5Bids%5D=2',
  )
})

test('what no form can hold is refused with its place', () => {
  expect(() => text([1], form)).toThrow('body: a form is an object of fields, not [1]')
  expect(() => text({ a: [{ id: 1 }] }, form)).toThrow(
    'a: a list of a query or a form holds texts, numbers and booleans, not objects: spell out the names that the API wants, as in "a[0][id]"',
  )
})

// PEERS: dlt test_offline five kinds of body
// PEERS: Airbyte RequestBodyUrlEncodedForm
test('every form field arrives as it was given', () => {
  const scalar = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean())
  const fields = fc.dictionary(fc.string({ unit: 'grapheme' }), scalar, { noNullPrototype: true })
  fc.assert(
    fc.property(fields, (body) => {
      expect(Object.fromEntries(new URLSearchParams(text(body, form)))).toEqual(
        Object.fromEntries(Object.entries(body).map(([name, value]) => [name, String(value)])),
      )
    }),
  )
})
