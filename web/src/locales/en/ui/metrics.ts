export const text = {
  deploys: 'Deploys in this time',
  deploysText: 'Drawn as upright lines in the charts.',
  noDeploys: 'No deploy in this time.',
  newestOnly: (count: number) => `The newest ${count} are shown.`,
  ends: { succeeded: 'deployed', failed: 'failed', rolledBack: 'rolled back', open: 'under way' } as Record<string, string>,
}
