// Applies the chosen look before the first paint. The same rules live in src/app/look.ts, which changes it later.
;(function () {
  var stored = {}
  try {
    stored = JSON.parse(localStorage.getItem('serverflow.look')) || {}
  } catch (_) {}
  var chosen = stored.theme === 'dark' || stored.theme === 'light'
  var dark = chosen ? stored.theme === 'dark' : !matchMedia('(prefers-color-scheme: light)').matches
  var root = document.documentElement
  root.dataset.theme = dark ? 'dark' : 'light'
  root.dataset.density = stored.density === 'compact' ? 'compact' : 'comfortable'
})()
