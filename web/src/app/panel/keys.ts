/** Names of what only pages of the panel keep in the query cache; the rest is in `api/keys.ts`, which every page brings. */
export const panelKeys = {
  serverList: (filter: object) => ['servers', 'list', filter] as const,
  /** Below the lists of servers, so that what is told of one makes them stale. */
  monitoring: ['servers', 'list', 'monitoring'] as const,
  monitoringOverview: ['servers', 'list', 'monitoring', 'overview'] as const,
  alertRules: ['servers', 'list', 'monitoring', 'rules'] as const,
  serverAlerts: (filter: object) => ['servers', 'list', 'monitoring', 'alerts', filter] as const,
  serverMetrics: (id: string, range: object) => ['servers', 'metrics', id, range] as const,
  templates: ['templates'] as const,
  ctrls: ['templates', 'ctrls'] as const,
  altList: (filter: object) => ['templates', 'alts', filter] as const,
  alt: (id: string, version: number | null) => ['templates', 'alt', id, version] as const,
  altVersions: (id: string) => ['templates', 'alt', id, 'versions'] as const,
  altCheck: (of: string, document: string) => ['templates', 'check', of, document] as const,
  ports: (node: string) => ['nodes', 'one', node, 'ports'] as const,
  portList: (node: string, filter: object) => ['nodes', 'one', node, 'ports', filter] as const,
}
