/** Signals that stop a server, as a template names them. */
export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGKILL'] as const

/** How a file of settings is read and written. */
export const PARSERS = ['file', 'properties', 'ini', 'json', 'yaml', 'xml', 'toml'] as const
