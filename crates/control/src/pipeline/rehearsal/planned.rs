//! The lines of a plan: what an action would do and what would be lost by it. The same before it is proposed and while it
//! waits for a person.

use std::sync::Arc;

use sf_actions::deploy::DeployAction;
use sf_actions::proxy::ProxyAction;
use sf_actions::schedule::ScheduleAction;
use sf_actions::{Action, Object, ObjectRef, Place};
use sf_engine::plan::AppFacts;
use sf_engine::{Run, RunState};
use sf_protocol::command::GuardedSecret;
use sf_protocol::schedule::Whose;
use sf_store::{Look, apps, grants, proxies, releases, servers};
use sf_types::{ErrorKind, Fault, ReleaseId, Scope};

use super::Told;
use crate::control::{Control, Core};
use crate::proposal::Lines;
use crate::subject::Ordered;
use crate::{delivery, panel, patches, perform, previews, rehearsal, schedules, sites, speech};

/// What an order to a machine would do; `None` where the action sends none.
pub(crate) async fn on_node(
    at: &impl Look,
    core: &Core,
    run: &Run,
    about: &Ordered<'_>,
    used: &[GuardedSecret],
) -> Result<Option<Told>, Fault> {
    if let (Some(mut order), Some(node)) = (sf_engine::plan::of_machine(&run.action), run.node) {
        speech::fit(&mut order, core.links.version(node))?;
        return Ok(Some(perform::steered(&order)));
    }
    let (app, _) = match (run.action.spec().place, about, run.node) {
        (Place::Node, Ordered::App(app), Some(node)) => (*app, node),
        (Place::Node, Ordered::Server(server), Some(_)) => {
            let order = panel::order::foreseen(at, core, &run.action, server).await??;
            let mut told = panel::told::ordered(at, &run.action, &order, server).await?;
            if panel::order::brings_values(&order) {
                told.steps.extend(panel::secrets::told(at, server).await?);
            }
            return Ok(Some(told));
        }
        _ => return Ok(None),
    };
    let kept = if looks_back(&run.action) { releases::kept(at, app.id).await? } else { Vec::new() };
    patches::known_to(core, &run.action, app.node)?;
    let site = sites::foreseen(at, core, &run.action, app).await??;
    let schedule = schedules::foreseen(at, core, &run.action, app).await??;
    let facts = AppFacts { site, schedule, ..apps::facts_with(app.clone(), kept) };
    let mut planned = sf_engine::plan::plan(&run.action, &facts, ReleaseId::from_uuid(run.id.uuid()))?;
    speech::fit(&mut planned.order, core.links.version(app.node))?;
    let mut told = Told { steps: perform::plan_steps(&planned.order, app), losses: Vec::new() };
    told.steps.extend(used.iter().map(|one| format!("Its process uses secret `{}` version {}", one.name, one.version)));
    if let Action::Proxy(ProxyAction::Delete(gone)) = &run.action {
        let domain = proxies::get(at, gone.proxy).await?.domain;
        told.losses.push(format!("{domain} leads nowhere then, and its certificate is deleted"));
    } else if let Action::Schedule(ScheduleAction::Delete(gone)) = &run.action {
        told.losses.push(format!("how the runs of `{}` went", gone.name));
    } else if run.action.spec().effect == sf_actions::Effect::Destroy {
        told.losses.push(format!(
            "{} releases and all logs of `{}` on its node",
            facts.kept.len() + usize::from(facts.live.is_some()),
            app.name
        ));
        let domains = proxies::of_app(at, app.id).await?;
        told.losses.extend(domains.iter().map(|proxy| format!("{} leads nowhere then", proxy.domain)));
        told.losses.extend(previews::losses(at, app.id).await?);
        let standing = sf_store::schedules::of(at, Whose::App(app.id)).await?;
        told.losses.extend(standing.iter().map(|one| format!("its schedule `{}`", one.name)));
        let object = ObjectRef(Object::App(app.id));
        told.losses.extend(rehearsal::given_at(grants::count_at(at, object).await?, "it"));
    }
    Ok(Some(told))
}

/// Whether earlier releases matter to an action.
fn looks_back(action: &Action) -> bool {
    matches!(action, Action::Deploy(DeployAction::Rollback(_))) || action.spec().effect == sf_actions::Effect::Destroy
}

/// Where nothing more is known of it than its name.
pub(crate) fn in_short(run: &Run) -> Told {
    Told { steps: vec![format!("{}.", run.action.spec().title)], losses: Vec::new() }
}

/// What an order would wait for besides people.
pub(crate) fn waits_for(core: &Core, run: &Run) -> Option<String> {
    let node = run.node.filter(|_| run.action.spec().place == Place::Node)?;
    let silent = !core.links.is_connected(node);
    silent.then(|| "its node is not connected; the order is sent when it is back".to_owned())
}

impl Control {
    /// What a run that has not begun would do now: the lines of its dry run. `None` once it has.
    ///
    /// # Errors
    /// When the store cannot be read. What cannot be planned any more is a line of its own.
    pub(crate) async fn planned(&self, run: &Run) -> Result<Option<Lines>, Fault> {
        if !matches!(run.state, RunState::Waiting | RunState::Ready) || run.command.is_some() {
            return Ok(None);
        }
        let core = self.core();
        match foretold(core, run).await {
            Ok(Told { steps, losses }) => Ok(Some(Lines { steps, losses, waits_for: waits_for(core, run) })),
            Err(fault) if is_passing(&fault) => Err(fault),
            Err(fault) => {
                let steps = vec![format!("It cannot be done as things are: {}", fault.message)];
                Ok(Some(Lines { steps, losses: Vec::new(), waits_for: None }))
            }
        }
    }
}

fn is_passing(fault: &Fault) -> bool {
    matches!(fault.kind, ErrorKind::Unavailable | ErrorKind::Internal)
}

async fn foretold(core: &Arc<Core>, run: &Run) -> Result<Told, Fault> {
    let reader = core.store.read(Scope::Tenant(run.tenant));
    if rehearsal::is_told(&run.action) {
        return Ok(rehearsal::tell(&reader, core, run).await?);
    }
    let app = match run.app {
        Some(app) => Some(apps::get(&reader, app).await?),
        None => None,
    };
    let server = match run.server {
        Some(server) => Some(servers::get(&reader, server).await?),
        None => None,
    };
    let used = match &app {
        Some(app) => delivery::guarded(&delivery::foreseen(&reader, &run.action, app).await??),
        None => Vec::new(),
    };
    let about = match (&app, &server) {
        (Some(app), _) => Ordered::App(app),
        (None, Some(server)) => Ordered::Server(server),
        (None, None) => Ordered::Nothing,
    };
    Ok(on_node(&reader, core, run, &about, &used).await?.unwrap_or_else(|| in_short(run)))
}
