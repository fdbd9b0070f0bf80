/** What a new template begins as: a process of its own that ends by a command. Every part of it can be read from the reference. */
export const STARTER = `${JSON.stringify(
  {
    alt: 1,
    name: 'My server',
    slug: 'my-server',
    description: '',
    runtime: 'process',
    startups: [{ label: 'Default', run: { kind: 'argv', argv: ['/usr/bin/cat'] } }],
    variables: [{ name: 'Message', env: 'MESSAGE', description: 'Shown to whoever joins.', default: 'Hello', viewable: true, editable: true, rules: ['required', 'string', 'max:80'] }],
    ready: { lines: [], within: 60_000 },
    stop: { kind: 'signal', signal: 'SIGTERM', grace: 10_000 },
  },
  null,
  2,
)}\n`
