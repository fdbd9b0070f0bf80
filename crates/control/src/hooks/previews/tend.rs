//! What a preview is missing is proposed, one step at a time: its deploy and its domain for whoever it acts for, its deletion by
//! ServerFlow itself. A look that comes too early, twice or after a crash finds what is there and does no more.

use std::time::Duration;

use sf_actions::app::{AppAction, AppRef};
use sf_actions::deploy::{Deploy, DeployAction};
use sf_actions::proxy::{Provision, ProxyAction};
use sf_actions::{Action, Actor};
use sf_protocol::site::{SiteSettings, Tls};
use sf_store::apps::App;
use sf_store::previews::{self, Preview};
use sf_store::proxies::{self, ProxyState};
use sf_store::{Tx, apps, outbox, runs};
use sf_types::{AppId, ErrorKind, Fault, RequestId, Scope, Timestamp, UserId};
use uuid::Uuid;

use super::look_at;
use crate::control::Control;
use crate::proposal::Proposal;
use crate::receive::found;
use crate::transition::After;
use crate::workflow::triggers::passes;

/// A preview that could not be deleted is tried again after this: 10 min.
const AGAIN: Duration = Duration::from_secs(600);

/// What is due of a preview.
enum Due {
    /// It is over, and why.
    End(String),
    /// It is over and could not be deleted lately.
    EndAt(Timestamp),
    /// Its branch was pushed.
    Deploy,
    /// It serves, and its domain does not lead to it.
    Serve,
    /// Nothing.
    Nothing,
}

/// Looks at a preview, and proposes what is due.
pub(crate) async fn tend(control: &Control, task: &outbox::Task) -> Result<(), Fault> {
    let store = &control.core().store;
    let app: Option<AppId> = task.payload.0["app"].as_str().and_then(|app| app.parse().ok());
    let reader = store.read(Scope::System);
    let known = match app {
        Some(app) => previews::find(&reader, app).await?.zip(found(apps::get(&reader, app).await)?),
        None => None,
    };
    let Some((preview, row)) = known else { return control.tended(task.id, None).await };
    let now = control.now();
    match due(&reader, &preview, &row, now).await? {
        Due::Nothing => control.tended(task.id, None).await,
        Due::EndAt(at) => control.tended(task.id, Some((preview.app, Box::new(move |_| {}), Some(at)))).await,
        Due::End(why) => {
            let delete = Action::App(AppAction::Delete(AppRef { app: preview.app }));
            let problem = control.propose_for(Actor::system(preview.tenant), delete).await?;
            let change = move |preview: &mut Preview| {
                (preview.ends_why, preview.ended_at) = (Some(why.clone()), Some(now));
                preview.problem.clone_from(&problem);
            };
            control.tended(task.id, Some((preview.app, Box::new(change), Some(now.plus(AGAIN))))).await
        }
        Due::Deploy => {
            let (reference, commit) = (Some(preview.branch.clone()), preview.commit.clone());
            let deploy = Action::Deploy(DeployAction::Deploy(Deploy { app: row.id, reference, commit, full: false }));
            let problem = match is_proposed(&reader, &preview, row.id).await? {
                true => None,
                false => control.propose_as(&preview, preview.user, deploy).await?,
            };
            let pushed_at = preview.pushed_at;
            let change = move |preview: &mut Preview| {
                preview.deployed_at = Some(pushed_at);
                preview.problem.clone_from(&problem);
            };
            control.tended(task.id, Some((preview.app, Box::new(change), None))).await
        }
        Due::Serve => {
            let settings = SiteSettings {
                tls: Tls { certificate: preview.certificate, ..Tls::default() },
                ..SiteSettings::default()
            };
            let wanted = Provision { app: row.id, domain: preview.domain.clone(), settings };
            let provision = Action::Proxy(ProxyAction::Provision(Box::new(wanted)));
            let problem = control.propose_as(&preview, preview.site_owner, provision).await?;
            let pushed_at = preview.pushed_at;
            let change = move |preview: &mut Preview| {
                preview.site_at = Some(pushed_at);
                preview.problem.clone_from(&problem);
            };
            control.tended(task.id, Some((preview.app, Box::new(change), None))).await
        }
    }
}

/// Whether the deploy of the last push is open already: a look was cut short before it wrote that down.
async fn is_proposed(reader: &sf_store::Reader, preview: &Preview, app: AppId) -> Result<bool, Fault> {
    let open = runs::open_for_app(reader, app).await?;
    Ok(open.iter().any(|run| matches!(run.action, Action::Deploy(_)) && run.opened_at >= preview.pushed_at))
}

async fn due(reader: &sf_store::Reader, preview: &Preview, row: &App, now: Timestamp) -> Result<Due, Fault> {
    let expired = (now >= preview.expires_at).then(|| "Its time was over.".to_owned());
    if let Some(why) = preview.ends_why.clone().or(expired) {
        let open = runs::open_for_app(reader, row.id).await?;
        if open.iter().any(|run| matches!(run.action, Action::App(AppAction::Delete(_)))) {
            return Ok(Due::Nothing);
        }
        let again = preview.ended_at.map(|tried| tried.plus(AGAIN)).filter(|again| *again > now);
        return Ok(again.map_or(Due::End(why), Due::EndAt));
    }
    if preview.deployed_at != Some(preview.pushed_at) {
        return Ok(Due::Deploy);
    }
    let site = proxies::named(reader, row.id, &preview.domain).await?;
    let is_served = site.is_some_and(|site| site.state != ProxyState::Failed);
    // One that failed is tried again with the next push.
    if row.live_release.is_some() && !is_served && preview.site_at != Some(preview.pushed_at) {
        return Ok(Due::Serve);
    }
    Ok(Due::Nothing)
}

/// A preview, what is to be written down of it, and when it is looked at again.
type Change = (AppId, Box<dyn Fn(&mut Preview) + Send + Sync>, Option<Timestamp>);

impl Control {
    /// For somebody, as the preview's trigger; answers why not.
    async fn propose_as(&self, preview: &Preview, user: UserId, action: Action) -> Result<Option<String>, Fault> {
        match self.acting_for(preview.tenant, user, preview.trigger).await? {
            Some(actor) => self.propose_for(actor, action).await,
            None => Ok(Some(nobody().message)),
        }
    }

    async fn propose_for(&self, actor: Actor, action: Action) -> Result<Option<String>, Fault> {
        let request: RequestId = self.core().rng.id(&self.core().clock);
        match self.propose(&actor, request, Proposal::of(action)).await {
            Ok(_) => Ok(None),
            // It comes back with the lane's next try.
            Err(fault) if passes(&fault) || fault.kind == ErrorKind::RateLimited => Err(fault),
            Err(fault) => {
                tracing::info!(code = %fault.code, "what a preview is missing could not be proposed");
                Ok(Some(fault.message))
            }
        }
    }

    /// Writes down what was done, on what the preview is by now, and forgets the look.
    async fn tended(&self, task: Uuid, change: Option<Change>) -> Result<(), Fault> {
        let change = std::sync::Arc::new(change);
        let after = self.core().store.write(Scope::System, move |tx| {
            let change = change.clone();
            Box::pin(async move { written(tx, task, change.as_ref().as_ref()).await })
        });
        self.deliver(after.await?);
        Ok(())
    }
}

async fn written(tx: &mut Tx, task: Uuid, change: Option<&Change>) -> sf_store::Result<After> {
    let mut after = After::default();
    if let Some((app, change, again)) = change {
        if let Some(mut preview) = previews::find(tx, *app).await? {
            change(&mut preview);
            previews::set(tx, &preview).await?;
            let parent = preview.parent;
            tx.publish(crate::events::app_changed(preview.tenant, Some(preview.project), parent));
        }
        if let Some(again) = again {
            look_at(tx, *app, *again, &mut after);
        }
    }
    outbox::done(tx, task).await?;
    Ok(after)
}

fn nobody() -> Fault {
    let message = "Who this preview acts for is suspended or gone, and it acts with their rights.";
    Fault::new(ErrorKind::Forbidden, "preview.nobody", message).fix("Push its branch again, or make it by hand.")
}
