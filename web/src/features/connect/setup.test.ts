import { expect, it } from 'vitest'
import { HOSTS, setup } from './setup'

const URL = 'https://panel.example.org/mcp/v1'

it.each(HOSTS)('what is pasted for %s names this installation or its command', (host) => {
  expect(setup(host, URL)).toContain(host === 'stdio' ? '"mcp"' : URL)
})

it('is JSON where a file is meant', () => {
  expect(JSON.parse(setup('cursor', URL))).toEqual({ mcpServers: { serverflow: { url: URL } } })
  expect(JSON.parse(setup('vscode', URL))).toEqual({ servers: { serverflow: { type: 'http', url: URL } } })
})
