//! What comes in at a hook's address. The signature is the credential: whoever cannot show it learns nothing, not even whether
//! the address is one. What the sender can prove to be its own is kept with what was made of it.

use std::time::Duration;

use sf_actions::Action;
use sf_actions::deploy::{Deploy, DeployAction};
use sf_engine::push::{self, Event, Malformed, Past, Push, Sender, Verdict, Wanted};
use sf_engine::workflow::webhook::{Refusal, Scheme, Verified, Verifier};
use sf_engine::{Done, Run, RunState};
use sf_runtime::OnError;
use sf_store::apps::App;
use sf_store::hooks::{self, Delivery, Hook, Outcome};
use sf_store::{Look, StoreError, Tx, apps, releases, runs};
use sf_types::{ErrorKind, Fault, RequestId, RunId, Scope, TriggerId};
use sha2::{Digest, Sha256};

use super::branch::Sent;
use super::secrets;
use crate::control::Control;
use crate::events;
use crate::proposal::Proposal;
use crate::receive::found;
use crate::workflow::hooks::Delivered;
use crate::workflow::triggers::passes;

/// How often it is noted at the most that a request was refused whose sender could not prove it to be its own: every 10 s.
pub const NOTED_EVERY: Duration = Duration::from_secs(10);

/// Code of the fault when another delivery was faster.
const OVERTAKEN: &str = "hook.overtaken";

/// What was made of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pushed {
    /// What.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// The run that deploys it.
    pub run: Option<RunId>,
}

impl From<Delivery> for Pushed {
    fn from(kept: Delivery) -> Self {
        Self { outcome: kept.outcome, reason: kept.reason, run: kept.run }
    }
}

/// A push on its way through the pipeline: it is kept with the run it opens, or not at all.
#[derive(Clone, PartialEq, Debug)]
pub struct Pushing {
    delivery: Delivery,
    /// The commit that is deployed once, where it is the app's own.
    commit: Option<String>,
}

impl Pushing {
    /// The push of a branch that is previewed: its preview says itself what it has.
    pub(super) const fn of_preview(delivery: Delivery) -> Self {
        Self { delivery, commit: None }
    }
}

/// The one answer to whoever is not the sender.
pub fn unknown() -> Fault {
    let message = "There is no hook here, or this request is not signed with its secret.";
    let fix =
        "Compare address and secret with the app's: its page, or `serverflow hooks show APP`, says what came last.";
    Fault::new(ErrorKind::NotFound, "hook.not_found", message).fix(fix)
}

impl Control {
    /// Takes in what was sent to a hook; the same delivery again answers the same run.
    ///
    /// # Errors
    /// [`unknown`] for everybody but the sender; for the sender, why its push was refused.
    pub async fn pushed(&self, id: TriggerId, request: Delivered) -> Result<Pushed, Fault> {
        let reader = self.core().store.read(Scope::System);
        let hook = found(hooks::get(&reader, id).await)?;
        // The same looks and the same work where there is none.
        let app = hook.as_ref().map_or_else(|| self.core().rng.id(&self.core().clock), |hook| hook.app);
        let app = found(apps::get(&reader, app).await)?;
        let (sender, scheme) = Sender::of(|name| request.headers.contains_key(name));
        let verifier = self.hook_verifier(hook.as_ref(), scheme);
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        let verified = verifier.verify(header, &request.body, self.now());
        let (Some(hook), Some(app)) = (hook, app) else { return Err(unknown()) };
        let verified = verified.map_err(|why| {
            self.note_unproven(&hook, &why);
            unknown()
        })?;
        self.heard(&hook, &app, (sender, &verified), &request).await
    }

    fn hook_verifier(&self, hook: Option<&Hook>, scheme: Scheme) -> Verifier {
        let of = |hook| Verifier::new(scheme, &secrets(self.core(), hook)).ok();
        hook.and_then(of).unwrap_or_else(|| self.stand_in())
    }

    /// A genuine request.
    async fn heard(
        &self,
        hook: &Hook,
        app: &App,
        (sender, verified): (Sender, &Verified),
        request: &Delivered,
    ) -> Result<Pushed, Fault> {
        let named = |name: &&str| request.headers.get(*name).map(String::as_str);
        let event = sender.event_headers().iter().find_map(named);
        let delivery = key(verified, sender, &request.body);
        if let Some(before) = self.answered(hook, &delivery).await? {
            return Ok(before.into());
        }
        let kept = Delivery {
            id: uuid::Uuid::nil(),
            tenant: hook.tenant,
            project: hook.project,
            hook: hook.id,
            delivery,
            sender,
            event: "push".to_owned(),
            branch: None,
            before: None,
            commit: None,
            heard: false,
            outcome: Outcome::Ignored,
            reason: String::new(),
            run: None,
            at: self.now(),
        };
        match push::read(sender, event, &request.body) {
            Ok(Event::Ping) => {
                let reason = "Address and secret are right.".to_owned();
                self.keep(Delivery { event: "ping".into(), outcome: Outcome::Ping, reason, ..kept }).await
            }
            Ok(Event::Other(event)) => {
                let reason = "Only pushes of branches start deploys, and pull requests previews.".to_owned();
                self.keep(Delivery { event, reason, ..kept }).await
            }
            Ok(Event::Push(pushed)) => {
                let Push { branch, before, commit, .. } = pushed.clone();
                let kept = Delivery { branch: Some(branch), before, commit, ..kept };
                self.judge_push(hook, app, &pushed, kept).await
            }
            Ok(Event::Request(request)) => {
                let (branch, commit) = (Some(request.branch.clone()), Some(request.commit.clone()));
                let event = format!("request {}", request.about);
                self.judge_request(hook, app, &request, Delivery { event, branch, commit, ..kept }).await
            }
            Err(Malformed(why)) => {
                let fault = Fault::new(ErrorKind::Invalid, "hook.body", format!("This is no push: {why}."));
                let fault = fault.fix("docs/guides/webhooks.md shows what each sender has to send.");
                self.keep(Delivery { outcome: Outcome::Refused, reason: fault.message.clone(), ..kept }).await?;
                Err(fault)
            }
        }
    }

    async fn judge_request(
        &self,
        hook: &Hook,
        app: &App,
        request: &sf_engine::push::Request,
        kept: Delivery,
    ) -> Result<Pushed, Fault> {
        if !hook.settings.0.enabled {
            return self.keep(off(kept)).await;
        }
        match self.judge_branch(hook, app, Sent::Request(request), kept.clone()).await? {
            Some(previewed) => Ok(previewed),
            None => {
                let reason = "Pull requests start nothing: this app has no previews.".to_owned();
                self.keep(Delivery { reason, ..kept }).await
            }
        }
    }

    async fn judge_push(&self, hook: &Hook, app: &App, pushed: &Push, kept: Delivery) -> Result<Pushed, Fault> {
        let settings = &hook.settings.0;
        if !settings.enabled {
            return self.keep(off(kept)).await;
        }
        let branch = settings.branch.as_deref().or(app.settings.0.reference.as_deref());
        let own = branch.or(pushed.default_branch.as_deref());
        let is_own = own.is_none_or(|own| own.strip_prefix("refs/heads/").unwrap_or(own) == pushed.branch);
        if !is_own && let Some(previewed) = self.judge_branch(hook, app, Sent::Push(pushed), kept.clone()).await? {
            return Ok(previewed);
        }
        let reader = self.core().store.read(Scope::Tenant(hook.tenant));
        let live = match app.live_release {
            Some(release) => found(releases::get(&reader, release).await)?.and_then(|release| release.commit),
            None => None,
        };
        let pushes = hooks::pushes(&reader, hook.id, &pushed.branch).await?;
        let wanted = Wanted { branch, paths: &settings.paths };
        match push::judge(pushed, wanted, Past { pushes: &pushes, live: live.as_deref() }, self.now()) {
            Verdict::Ignore { why, heard } => self.keep(Delivery { reason: why, heard, ..kept }).await,
            Verdict::Deploy { commit, because } => {
                let delivery = Delivery { outcome: Outcome::Deploy, reason: because, heard: true, ..kept };
                self.deploy_pushed(hook, app, (delivery, commit)).await
            }
        }
    }

    /// Proposes the deploy for whoever set the hook.
    async fn deploy_pushed(
        &self,
        hook: &Hook,
        app: &App,
        (delivery, commit): (Delivery, String),
    ) -> Result<Pushed, Fault> {
        let reader = self.core().store.read(Scope::Tenant(hook.tenant));
        if let Some(run) = under_way(&reader, app, &commit).await? {
            return self.keep(known(delivery, Some(run))).await;
        }
        let (reference, pinned) = (delivery.branch.clone(), Some(commit.clone()));
        let deploy =
            Action::Deploy(DeployAction::Deploy(Deploy { app: app.id, reference, commit: pinned, full: false }));
        self.propose_pushed(hook, app, deploy, Pushing { delivery, commit: Some(commit) }).await
    }

    /// Proposes what a push asks for, for whoever set the hook; the push is kept with the run.
    pub(super) async fn propose_pushed(
        &self,
        hook: &Hook,
        app: &App,
        action: Action,
        pushing: Pushing,
    ) -> Result<Pushed, Fault> {
        let reader = self.core().store.read(Scope::Tenant(hook.tenant));
        let delivery = Delivery { id: self.core().rng.id::<RequestId>(&self.core().clock).uuid(), ..pushing.delivery };
        let pushing = Pushing { delivery: delivery.clone(), ..pushing };
        let proposal = Proposal { pushing: Some(Box::new(pushing.clone())), ..Proposal::of(action) };
        let request: RequestId = self.core().rng.id(&self.core().clock);
        let proposed = match self.acting_for(hook.tenant, hook.owner, hook.id).await? {
            Some(actor) => self.propose(&actor, request, proposal).await.map(drop),
            None => Err(nobody()),
        };
        let Err(fault) = proposed else {
            let kept = hooks::delivery(&reader, hook.id, &delivery.delivery).await?;
            return kept.map(Pushed::from).ok_or_else(unknown);
        };
        if passes(&fault) {
            return Err(fault);
        }
        if fault.code == OVERTAKEN {
            if let Some(before) = self.answered(hook, &delivery.delivery).await? {
                return Ok(before.into());
            }
            if let Some(commit) = &pushing.commit
                && let Some(run) = under_way(&reader, app, commit).await?
            {
                return self.keep(known(delivery, Some(run))).await;
            }
        }
        // A denial is kept with its run already.
        let kept = hooks::delivery(&reader, hook.id, &delivery.delivery).await?;
        if kept.is_none_or(|kept| kept.id != delivery.id) {
            let refused =
                Delivery { outcome: Outcome::Refused, reason: fault.message.clone(), heard: false, ..delivery };
            self.keep(refused).await?;
        }
        Err(fault)
    }

    /// What was made of this very delivery before, where a run was opened for it.
    async fn answered(&self, hook: &Hook, delivery: &str) -> Result<Option<Delivery>, Fault> {
        let reader = self.core().store.read(Scope::Tenant(hook.tenant));
        let before = hooks::delivery(&reader, hook.id, delivery).await?;
        Ok(before.filter(|before| is_answer(before.outcome)))
    }

    pub(super) async fn keep(&self, delivery: Delivery) -> Result<Pushed, Fault> {
        let (kept, scope) = (delivery.clone(), Scope::Tenant(delivery.tenant));
        let written = self.core().store.write(scope, move |tx| {
            Box::pin(async move {
                let id = if kept.id.is_nil() { tx.new_uuid() } else { kept.id };
                hooks::keep(tx, &Delivery { id, ..kept.clone() }).await?;
                if let Ok(hook) = hooks::get(tx, kept.hook).await {
                    tx.publish(events::app_changed(hook.tenant, Some(hook.project), hook.app));
                }
                Ok(())
            })
        });
        match written.await {
            // Somebody else was faster with the same one.
            Err(StoreError::Stale(_)) => {
                let reader = self.core().store.read(scope);
                let kept = hooks::delivery(&reader, delivery.hook, &delivery.delivery).await?;
                Ok(kept.unwrap_or(delivery).into())
            }
            written => Ok(written.map(|()| delivery.into())?),
        }
    }

    /// Notes for people that somebody tried without the secret. Beside the answer, so that it takes no longer where there is a
    /// hook; and seldom: anybody can send requests.
    fn note_unproven(&self, hook: &Hook, why: &Refusal) {
        // Never what was sent.
        tracing::debug!(hook = %hook.id, %why, "a request to a hook was refused");
        if hook.refused_at.is_some_and(|at| self.now().since(at) < NOTED_EVERY) {
            return;
        }
        let (control, hook, why) = (self.clone(), hook.clone(), why.to_string());
        self.core().tasks.spawn("hook refusal", OnError::Log, async move {
            let noted = control.core().store.write(Scope::Tenant(hook.tenant), move |tx| {
                Box::pin(async move {
                    hooks::refused(tx, hook.id, &why).await?;
                    tx.publish(events::app_changed(hook.tenant, Some(hook.project), hook.app));
                    Ok(())
                })
            });
            noted.await.map_err(Fault::from)
        });
    }
}

/// Refuses, in the transaction that would open the run, what another delivery was faster with.
pub(crate) async fn first(tx: &mut Tx, pushing: &Pushing) -> sf_store::Result<()> {
    hooks::hold(tx, pushing.delivery.hook).await?;
    let before = hooks::delivery(tx, pushing.delivery.hook, &pushing.delivery.delivery).await?;
    let hook = hooks::get(tx, pushing.delivery.hook).await?;
    let app = apps::get(tx, hook.app).await?;
    let is_answered = before.is_some_and(|before| is_answer(before.outcome));
    let is_known = match &pushing.commit {
        Some(commit) => under_way(tx, &app, commit).await?.is_some(),
        None => false,
    };
    if is_answered || is_known {
        return Err(Fault::new(ErrorKind::Conflict, OVERTAKEN, "Another delivery was faster.").into());
    }
    Ok(())
}

/// Keeps a push with the run it has opened, in that very transaction.
pub(crate) async fn record(tx: &mut Tx, run: &Run, pushing: Pushing) -> sf_store::Result<()> {
    let mut delivery = Delivery { run: Some(run.id), ..pushing.delivery };
    if run.state == RunState::Done(Done::Denied) {
        delivery.outcome = Outcome::Refused;
        delivery.heard = false;
        delivery.reason = run.fault.as_ref().map_or_else(String::new, |fault| fault.message.clone());
    }
    hooks::keep(tx, &delivery).await
}

/// What has begun something, or found it begun: a repetition begins nothing more.
const fn is_answer(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Deploy | Outcome::Known | Outcome::Preview)
}

fn off(kept: Delivery) -> Delivery {
    Delivery { reason: "The hook is switched off.".to_owned(), ..kept }
}

/// The run that deploys this commit, or has put it live.
pub(super) async fn under_way(at: &impl Look, app: &App, commit: &str) -> sf_store::Result<Option<RunId>> {
    let deploys = |run: &Run| matches!(&run.action, Action::Deploy(DeployAction::Deploy(deploy)) if deploy.commit.as_deref() == Some(commit));
    if let Some(run) = runs::open_for_app(at, app.id).await?.into_iter().find(deploys) {
        return Ok(Some(run.id));
    }
    let Some(live) = app.live_release else { return Ok(None) };
    let live = found(releases::get(at, live).await)?.filter(|live| live.commit.as_deref() == Some(commit));
    Ok(live.and_then(|live| live.run))
}

pub(super) fn known(delivery: Delivery, run: Option<RunId>) -> Delivery {
    let reason = "This commit serves already, or is being deployed.".to_owned();
    Delivery { outcome: Outcome::Known, reason, run, heard: true, ..delivery }
}

/// What makes a repetition the same delivery. Where its id is not signed, the body is: of no two pushes is it the same, and whoever
/// sends a captured one again cannot give it another name.
fn key(verified: &Verified, sender: Sender, body: &[u8]) -> String {
    match &verified.delivery {
        Some(id) if sender == Sender::Generic || sender == Sender::GitLab => format!("id:{id}"),
        _ => {
            let digest: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("body:{digest}")
        }
    }
}

fn nobody() -> Fault {
    let message = "Who set this hook is suspended or gone, and it acts with their rights.";
    Fault::new(ErrorKind::Forbidden, "hook.nobody", message).fix("Save the hook as somebody else.")
}
