import { fileURLToPath } from 'node:url'
import tailwind from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

// Where a control plane answers while the dashboard is worked on: `npm run dev`.
const plane = process.env.SF_PLANE ?? 'http://127.0.0.1:7400'

/** A module that so many pages use is fetched with all of them. */
const MANY_PAGES = 9
/** Icons of the frame: each alone, they would be a dozen parts of two hundred bytes on every first page. */
const SHELL_ICONS = /@lucide\/.+\/icons\/(boxes|ellipsis|inbox|list-checks|lock-keyhole|server|square-terminal|unplug|users|workflow)\.mjs$/
/** Icons of a workflow's steps: where one of them is, the others are. */
const STEP_ICONS = /@lucide\/.+\/icons\/(bot|circle-question-mark|git-branch|link-2|webhook|wrench|zap)\.mjs$/
/** What every page stands on. */
const LIBRARIES = /node_modules\/(@vue\/|vue\/|vue-router\/|@tanstack\/(query-core|vue-query)\/|@vueuse\/|openapi-fetch\/|class-variance-authority\/|clsx\/)/

export default defineConfig({
  plugins: [vue(), tailwind()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  // Components have a setup and nothing else; what would read the older form is left out of the runtime.
  define: { __VUE_OPTIONS_API__: 'false' },
  build: {
    target: 'es2022',
    // For the budgets; moved out of what is served by scripts/compress.mjs.
    manifest: 'manifest.json',
    // The strict content policy knows no `data:` fonts, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
    rolldownOptions: {
      output: {
        // What many pages share is one part: dozens of a few hundred bytes each, and their names, cost more than what is in
        // them. What brings a library along stays by itself, and so do tables of icons: an icon that comes apart from them
        // would be asked for before it is there.
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: 'shell-icons', priority: 1, test: SHELL_ICONS },
            { name: 'step-icons', priority: 1, test: STEP_ICONS },
            // All of them are on the first page, and pressed together they are smaller; the fields of forms are on none of the first.
            { name: 'libraries', priority: 1, test: LIBRARIES },
            // Names of files are shown as lines of logs are: cut in two it weighs more.
            { name: 'log', priority: 1, test: /\/src\/ui\/log\// },
            { name: 'patch', priority: 1, test: /\/src\/app\/patch\/(DiffView|SyntaxState|diffLines)|\/locales\/en\/apps\/files/ },
            { name: 'fields', priority: 1, test: /\/src\/ui\/form\// },
            { name: 'shared', minShareCount: MANY_PAGES, test: /\/src\/(?!ui\/(AppDialog|form|list\/DataList)|app\/(states\/|acting\/LeaveGuard))|@lucide/ },
          ],
        },
      },
    },
  },
  // The control plane answers its own pages alone: to it, requests of the development server look like those.
  server: { proxy: { '/api': { target: plane, ws: true, changeOrigin: true, headers: { origin: plane } } } },
  // A document is made for those alone that ask for one: `// @vitest-environment jsdom`.
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
} as Parameters<typeof defineConfig>[0])
