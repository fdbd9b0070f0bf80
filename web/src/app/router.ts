import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { watch, type Component } from 'vue'
import { access, type Duty } from '@/api/session'
import { pageTitle } from '@/ui/pageTitle'

declare module 'vue-router' {
  interface RouteMeta {
    /** What the tab is called; pages of one object set their own with `usePageTitle`. */
    title?: string
    /** Shown without signing in, and without the shell. */
    open?: boolean
  }
}

/** An id in a path; what is none is a page that does not exist. */
const id = ':id([0-9a-f]{8}-[0-9a-f-]{27})'

/** Pages behind one door: four doors, each with the names of what is behind it, weigh more on the first page. */
type WorkflowPages = typeof import('@/features/workflows/pages')
const workflows = (page: (all: WorkflowPages) => () => Promise<Component>) => () => import('@/features/workflows/pages').then((all) => page(all)())

type DomainPages = typeof import('@/features/domains/pages')
const domains = (page: (all: DomainPages) => () => Promise<Component>) => () => import('@/features/domains/pages').then((all) => page(all)())

const open: RouteRecordRaw[] = [
  { path: '/login', component: () => import('@/features/session/SignInPage.vue'), meta: { open: true, title: 'Sign in' } },
  { path: '/forgot', component: () => import('@/features/session/ForgotPage.vue'), meta: { open: true, title: 'Forgotten password' } },
  { path: '/reset', component: () => import('@/features/session/ResetPage.vue'), meta: { open: true, title: 'New password' } },
  { path: '/invitation', component: () => import('@/features/session/AcceptPage.vue'), meta: { open: true, title: 'Invitation' } },
  { path: '/welcome', component: () => import('@/features/welcome/WelcomePage.vue'), meta: { open: true, title: 'Welcome' } },
]

const inside: RouteRecordRaw[] = [
  { path: '', name: 'home', component: () => import('@/features/home/HomePage.vue'), meta: { title: 'Home' } },
  { path: 'nodes', component: () => import('@/features/nodes/NodesPage.vue'), meta: { title: 'Nodes' } },
  { path: 'nodes/new', component: () => import('@/features/nodes/AddNodePage.vue'), meta: { title: 'Add a node' } },
  {
    path: `nodes/${id}/:tab(overview|processes|metrics|security|events)?`,
    name: 'node',
    component: () => import('@/features/nodes/NodePage.vue'),
  },
  { path: 'apps', component: () => import('@/features/apps/AppsPage.vue'), meta: { title: 'Apps' } },
  { path: 'apps/new', component: () => import('@/features/apps/NewAppPage.vue'), meta: { title: 'New app' } },
  {
    path: `apps/${id}/:tab(overview|deployments|env|domains|logs|metrics|settings)?`,
    name: 'app',
    component: () => import('@/features/apps/AppPage.vue'),
  },
  {
    path: `apps/${id}/deployments/:number(\\d+)`,
    name: 'deployment',
    component: () => import('@/features/apps/DeploymentPage.vue'),
  },
  { path: 'domains', component: domains(({ DomainsPage }) => DomainsPage) },
  { path: 'domains/new', component: domains(({ NewDomainPage }) => NewDomainPage) },
  { path: `domains/${id}/:tab(overview|settings)?`, name: 'domain', component: domains(({ DomainPage }) => DomainPage) },
  { path: `inbox/${id}?`, name: 'inbox', component: () => import('@/features/inbox/InboxPage.vue'), meta: { title: 'Inbox' } },
  { path: 'runs', component: () => import('@/features/runs/RunsPage.vue'), meta: { title: 'Runs' } },
  { path: `runs/${id}`, name: 'run', component: () => import('@/features/runs/RunPage.vue') },
  { path: 'workflows', component: workflows(({ WorkflowsPage }) => WorkflowsPage) },
  { path: 'workflows/new', component: workflows(({ NewWorkflowPage }) => NewWorkflowPage) },
  { path: `workflows/runs/${id}`, name: 'execution', component: workflows(({ ExecutionPage }) => ExecutionPage) },
  { path: `workflows/${id}/:tab(runs|document|compare|triggers)?`, name: 'workflow', component: workflows(({ WorkflowPage }) => WorkflowPage) },
  { path: 'activity', component: () => import('@/features/activity/ActivityPage.vue'), meta: { title: 'Activity' } },
  {
    path: 'settings/:tab(profile|security|sessions|tokens|deputies|notifications|mail|appearance|about)?',
    name: 'settings',
    component: () => import('@/features/settings/SettingsPage.vue'),
    meta: { title: 'Settings' },
  },
  { path: 'settings/routing', component: () => import('@/features/routing/RoutingPage.vue') },
  { path: 'learning', component: () => import('@/features/routing/LearningPage.vue') },
  { path: 'team/:tab(people|invitations|roles)?', component: () => import('@/features/team/TeamPage.vue') },
  { path: `team/people/${id}/:tab(rights|access)?`, name: 'person', component: () => import('@/features/team/PersonPage.vue') },
  { path: 'teams', component: () => import('@/features/teams/TeamsPage.vue'), meta: { title: 'Teams' } },
  { path: 'secrets', component: () => import('@/features/secrets/SecretsPage.vue') },
  { path: 'projects', component: () => import('@/features/projects/ProjectsPage.vue') },
  { path: 'device', component: () => import('@/features/session/DevicePage.vue') },
  { path: 'admin/health', component: () => import('@/features/admin/HealthPage.vue'), meta: { title: 'Health' } },
  { path: ':path(.*)*', component: () => import('@/app/shell/LostPage.vue'), meta: { title: 'Not found' } },
]

/** Where one does what has to be done first. */
const duties: Record<Duty, string> = { password: '/own-password', factor: '/second-factor' }
const due: RouteRecordRaw[] = [
  { path: duties.password, component: () => import('@/features/session/OwnPasswordPage.vue'), meta: { title: 'A password of your own' } },
  { path: duties.factor, component: () => import('@/features/settings/security/FirstFactorPage.vue'), meta: { title: 'Second factor' } },
]

export const router = createRouter({
  history: createWebHistory(),
  routes: [...open, ...due, { path: '/', component: () => import('@/app/shell/AppShell.vue'), children: inside }],
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  // Nobody answers: the shell says so and goes on when it is back, instead of asking for a password.
  const token = await access.token().catch(() => 'away')
  if (token) return dueAt(to.path)
  const next = to.fullPath === '/' ? undefined : to.fullPath
  return { path: '/login', query: next ? { next } : {} }
})

/** The page that has to come first; true where it is this one, or none has to. */
function dueAt(path: string): true | string {
  const first = access.owes.value && duties[access.owes.value]
  if (first) return path === first || first
  return Object.values(duties).includes(path) ? '/' : true
}
// Also when it turns out later, with a renewed token.
watch(access.owes, () => {
  const { path, meta } = router.currentRoute.value
  const first = dueAt(path)
  if (access.state.value === 'in' && !meta.open && first !== true) void router.replace(first)
})

router.afterEach((to) => {
  if (to.meta.title) pageTitle.value = to.meta.title
})
