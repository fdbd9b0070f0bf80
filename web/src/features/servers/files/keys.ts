/**
 * Names of what is known of a server's files in the query cache. Not below `servers`: what makes a server's row stale reads none of
 * its folders again.
 */
export const fileKeys = {
  all: (server: string) => ['serverFiles', server] as const,
  folders: (server: string) => ['serverFiles', server, 'folder'] as const,
  folder: (server: string, path: string, from: string) => ['serverFiles', server, 'folder', path, from] as const,
  file: (server: string, path: string) => ['serverFiles', server, 'file', path] as const,
  usage: (server: string) => ['serverFiles', server, 'usage'] as const,
}
