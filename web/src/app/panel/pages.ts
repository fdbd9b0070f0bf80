// Where each page of the panel is, see router.ts.
export const NewServerPage = () => import('@/features/servers/NewServerPage.vue')
export const ServerPage = () => import('@/features/servers/ServerPage.vue')
export const ServersPage = () => import('@/features/servers/ServersPage.vue')
export const MonitoringPage = () => import('@/features/monitoring/MonitoringPage.vue')
export const ImportPage = () => import('@/features/templates/ImportPage.vue')
export const NewTemplatePage = () => import('@/features/templates/NewTemplatePage.vue')
export const TemplatePage = () => import('@/features/templates/TemplatePage.vue')
export const TemplatesPage = () => import('@/features/templates/TemplatesPage.vue')
