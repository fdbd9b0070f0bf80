/** What is often given together; each includes the ones before. */
export const PRESETS = {
  watch: ['server:view', 'console:view'],
  moderate: ['server:view', 'console:view', 'console:command'],
  operate: ['server:view', 'console:view', 'console:command', 'server:start', 'server:stop', 'server:restart'],
} as const
export type Preset = keyof typeof PRESETS

/** One only hands on what one has. */
export const presetFor = (name: Preset, may: (permission: string) => boolean): string[] => PRESETS[name].filter(may)
