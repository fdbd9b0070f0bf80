/** Hosts that there is a text to copy for. */
export const HOSTS = ['claude-code', 'claude-desktop', 'cursor', 'vscode', 'stdio'] as const
export type Host = (typeof HOSTS)[number]

const pretty = (value: object): string => JSON.stringify(value, null, 2)

/** What is pasted to set a host up. */
export function setup(host: Host, url: string): string {
  switch (host) {
    case 'claude-code':
      return `claude mcp add --transport http serverflow ${url}`
    case 'claude-desktop':
      return url
    case 'cursor':
      return pretty({ mcpServers: { serverflow: { url } } })
    case 'vscode':
      return pretty({ servers: { serverflow: { type: 'http', url } } })
    case 'stdio':
      return pretty({ mcpServers: { serverflow: { command: 'serverflow', args: ['mcp'] } } })
  }
}
