/** What is in the pages a browser gets, with its licence. */
export const licences: { licence: string; names: string[] }[] = [
  {
    licence: 'MIT',
    names: [
      'Vue', 'Vue Router', 'TanStack Query', 'TanStack Virtual', 'Reka UI', 'VueUse', 'uPlot', 'openapi-fetch', 'Tailwind CSS', 'tw-animate-css', 'clsx', 'uqr', 'Vue Flow', 'dagre',
    ],
  },
  { licence: 'ISC', names: ['Lucide', 'D3', 'yaml'] },
  { licence: 'BSD-3-Clause', names: ['jsdiff'] },
  { licence: 'Apache-2.0', names: ['class-variance-authority'] },
  { licence: 'OFL-1.1', names: ['Inter', 'JetBrains Mono'] },
]
