import { expect, it } from 'vitest'
import { fits, languageOf, lineEnds, mayType, TYPED_BYTES, WRITE_BYTES } from './text'

it.each([
  ['', true],
  ['x'.repeat(WRITE_BYTES), true],
  ['x'.repeat(WRITE_BYTES + 1), false],
  ['ä'.repeat(WRITE_BYTES / 2 + 1), false],
  // Each of these is six letters in JSON.
  ['\u0001'.repeat(7_000), false],
  ['\n'.repeat(18_000), true],
  ['\n'.repeat(19_000), false],
])('%#: what fits into one order', (text, expected) => expect(fits(text)).toBe(expected))

it.each([
  ['x'.repeat(TYPED_BYTES), true],
  ['x'.repeat(TYPED_BYTES + 1), false],
  ['ä'.repeat(TYPED_BYTES / 2 + 1), false],
])('%#: what is edited at all', (text, expected) => expect(mayType(text)).toBe(expected))

it.each([
  ['', 'unix'],
  ['a\nb', 'unix'],
  ['a\r\nb\r\n', 'windows'],
  ['a\r\nb\n', 'mixed'],
  ['a\rb', 'mixed'],
])('%j has line ends of %s', (text, ends) => expect(lineEnds(text)).toBe(ends))

it.each([
  ['server.properties', '', 'properties'],
  ['config.YML', '', 'yaml'],
  ['a.tar.gz', '', null],
  ['.env', '', 'properties'],
  ['.env.local', '', 'properties'],
  ['start', '#!/bin/bash\n', 'shell'],
  ['start', '#!/usr/bin/env python3\n', 'python'],
  ['start.js', '#!/bin/sh\n', 'javascript'],
  ['LICENSE', 'text', null],
  ['json', '', null],
  ['constructor', '', null],
  ['a.constructor', '', null],
])('%s is written in its language', (name, text, language) => expect(languageOf(name, text)).toBe(language))
