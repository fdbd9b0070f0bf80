export const text = {
  describe: 'This is what will happen. Nothing has been done yet.',
  losses: 'This will be lost',
  confirm: (name: string) => `Type ${name} to confirm`,
  cancel: 'Cancel',
  live: 'Live timeline',
  openRun: 'Open the run',
}
