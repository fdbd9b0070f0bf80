/** Names of what is kept of workflows in the query cache. They are this feature's own: the first page need not carry them. */
export const workflowKeys = {
  workflows: ['workflows'] as const,
  schema: ['workflows', 'contract', 'schema'] as const,
  workflowList: (filter: object) => ['workflows', 'list', filter] as const,
  workflow: (id: string) => ['workflows', 'one', id] as const,
  workflowVersions: (id: string) => ['workflows', 'one', id, 'versions'] as const,
  workflowDocument: (id: string, version: number) => ['workflows', 'document', id, version] as const,
  workflowCheck: (document: string) => ['workflows', 'check', document] as const,
  executions: ['executions'] as const,
  executionList: (filter: object) => ['executions', 'list', filter] as const,
  execution: (id: string) => ['executions', 'one', id] as const,
  executionForks: (id: string) => ['executions', 'list', 'forks', id] as const,
  executionJournal: (id: string) => ['executions', 'one', id, 'journal'] as const,
  executionStep: (id: string, key: string) => ['executions', 'one', id, 'steps', key] as const,
}
