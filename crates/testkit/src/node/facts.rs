//! What a simulated node says was made of an order.

use sf_protocol::Verdict;
use sf_protocol::app::AppState;
use sf_protocol::order::{AppVerb, Order};
use sf_protocol::outcome::{AppFacts, DeployFacts, Facts};
use sf_protocol::patch::{PatchFacts, TakesEffect};
use sf_protocol::server::ServerVerb;
use sf_protocol::site::{CertificateState, SiteReport};
use sf_types::{ContentHash, FileState};

use super::{SimNode, panel, port};

impl SimNode {
    pub(super) fn facts(&self, order: &Order, verdict: Verdict) -> Facts {
        let mut memory = self.memory();
        match order {
            Order::Deploy(deploy) => {
                let app = memory.apps.entry(deploy.app.app).or_default();
                app.generation = deploy.app.generation;
                if verdict == Verdict::Succeeded {
                    let before = app.live.replace(deploy.release);
                    app.kept.retain(|kept| *kept != deploy.release);
                    app.kept.splice(0..0, before.filter(|before| *before != deploy.release));
                    app.kept.truncate(usize::from(deploy.app.keep_releases));
                    app.stopped = false;
                }
                Facts::Deploy(DeployFacts {
                    release: deploy.release,
                    commit: Some("c0ffee0123456789c0ffee0123456789c0ffee01".to_owned()),
                    subject: Some("A simulated commit".to_owned()),
                    builder: None,
                    live_release: app.live,
                    port: port(),
                    kept: app.kept.clone(),
                    timings: Vec::new(),
                    generation: deploy.app.generation,
                    state: if app.live.is_some() { AppState::Running } else { AppState::Empty },
                    path: None,
                })
            }
            Order::AppAction(action) => {
                let app = memory.apps.entry(action.app).or_default();
                app.generation = action.generation;
                if verdict == Verdict::Succeeded {
                    app.stopped = matches!(action.verb, AppVerb::Stop | AppVerb::Delete);
                }
                let state = if app.stopped { AppState::Stopped } else { AppState::Running };
                let (live_release, generation) = (app.live, action.generation);
                Facts::App(AppFacts { state, live_release, generation, port: port(), stopped_by: None })
            }
            Order::Patch(patch) => {
                let app = memory.apps.entry(patch.app).or_default();
                app.generation = patch.generation;
                let restarts = patch.effect == TakesEffect::Restart;
                if verdict == Verdict::Succeeded && restarts {
                    let before = app.live.replace(patch.release);
                    app.kept.splice(0..0, before);
                }
                let deploy = DeployFacts {
                    release: if restarts { patch.release } else { app.live.unwrap_or(patch.release) },
                    commit: None,
                    subject: Some(format!("patch of {}", patch.file.path)),
                    builder: None,
                    live_release: app.live,
                    port: port(),
                    kept: app.kept.clone(),
                    timings: Vec::new(),
                    generation: patch.generation,
                    state: if app.live.is_some() { AppState::Running } else { AppState::Empty },
                    path: None,
                };
                Facts::Patch(Box::new(PatchFacts {
                    deploy,
                    path: patch.file.path.clone(),
                    before: patch.file.before,
                    after: Some(FileState::Is(ContentHash::from_bytes([7; 32]))),
                    added: 1,
                    removed: 1,
                    syntax: None,
                    restored_ms: (verdict == Verdict::RolledBack).then_some(80),
                }))
            }
            Order::ProvisionDomain(wanted) if verdict == Verdict::Succeeded => {
                let (proxy, generation) = (wanted.site.proxy, wanted.site.generation);
                Facts::Site { site: Some(SiteReport { proxy, generation, certificate: CertificateState::None }) }
            }
            Order::ProvisionDomain(_) | Order::DeleteProxy(_) => Facts::Site { site: None },
            Order::Schedule(_) => Facts::None,
            Order::ServerAction(order) => Facts::Server {
                server: (order.verb != ServerVerb::Delete || verdict != Verdict::Succeeded)
                    .then(|| Box::new(panel::server(&mut memory.servers, order, verdict, self.0.clock.now()))),
            },
            Order::DesiredState(desired) => {
                for one in &desired.apps {
                    let known = memory.apps.get_mut(&one.spec.app);
                    let Some(app) = known.filter(|app| app.generation <= one.spec.generation) else { continue };
                    (app.generation, app.stopped) = (one.spec.generation, one.state == AppState::Stopped);
                }
                Facts::None
            }
            _ => Facts::None,
        }
    }
}
