//! The one door for every change.
//!
//! Who asks ([`Actor`]) was established by the edge. Here: refuse bad values, look up the object, authorise, admit,
//! and open the run, its audit line and its effects in one transaction. Orders to nodes leave after COMMIT.

use sf_actions::preview::{Configure, PreviewAction};
use sf_actions::proxy::ProxyAction;
use sf_actions::run::{Decide, RunAction};
use sf_actions::schedule::ScheduleAction;
use sf_actions::workflow::WorkflowAction;
use sf_actions::{Action, Actor, ActorKind, Admission, Environment, Permission};
use sf_engine::{Run, RunState};
use sf_policy::Access;
use sf_protocol::Guard;
use sf_protocol::command::GuardedSecret;
use sf_protocol::schedule::{StepDoes, StepPower};
use sf_store::workflows::{self, Firing, Trigger};
use sf_store::{Reader, Store, runs};
use sf_types::{ErrorKind, Fault, RequestId, RunId, SecretName};

use crate::approval::{decide, routing};
use crate::control::{Control, Core};
use crate::key::{self, Key};
use crate::pipeline::{quota, secrets};
use crate::proposal::{Plan, Proposal, Proposed, refused};
use crate::rehearsal::{Told, planned};
use crate::subject::{self, Subject};
use crate::transition::{self, After};
use crate::workflow::calls;
use crate::{admission, delivery, enrolment, hooks, people, rehearsal};

impl Control {
    /// Proposes an action. What runs in the control plane is carried out when this returns; what waits for a person
    /// or a machine is recorded and goes on by itself, even if the caller goes away.
    ///
    /// # Errors
    /// A [`Fault`] when a value is refused, the object is not there for this actor, a right is missing, policy denies
    /// it, or it cannot be recorded. Nothing happened then, but for denials, which leave a run.
    pub async fn propose(&self, actor: &Actor, request: RequestId, proposal: Proposal) -> Result<Proposed, Fault> {
        check(&proposal.action)?;
        set_by_us(actor, &proposal.action)?;
        if let Err(fault) = only_people(actor, &proposal) {
            self.note_refusal(actor, request, &proposal.action, &fault).await;
            return Err(fault);
        }
        secrets::check(&proposal.action, proposal.value.as_ref())?;
        let core = self.core();
        let reader = core.store.read(actor.scope());
        let key = proposal.key.filter(|_| !proposal.dry_run).map(|text| Key::of(actor, text));
        if let Some(before) = key::carried_out(&reader, key.as_ref()).await? {
            return Ok(before);
        }
        people::teams::gate(core, actor, &proposal.action).await?;
        let subject = match allowed(&reader, actor, &proposal.action).await {
            Ok(subject) => subject,
            Err(fault) => {
                self.note_refusal(actor, request, &proposal.action, &fault).await;
                return Err(fault);
            }
        };
        if let Some((run, hash)) = &proposal.replaces {
            allowed(&reader, actor, &reject(*run, hash)).await?;
        }
        let used = match &subject.app {
            Some(app) => delivery::guarded(&delivery::foreseen(&reader, &proposal.action, app).await??),
            None => Vec::new(),
        };
        let inputs = admission::inputs(core, &reader, actor, &proposal.action, &subject, proposal.confidence).await?;
        let decision = sf_policy::admit(inputs);
        let guard = guard(&proposal.action, &subject, decision.admission, &used);
        let now = core.clock.now();
        let run = Run {
            id: core.rng.id(&core.clock),
            tenant: subject.tenant,
            project: subject.project,
            action: proposal.action,
            actor: actor.kind,
            request,
            node: subject.node,
            app: subject.app.as_ref().map(|app| app.id),
            server: subject.server.as_ref().map(|server| server.id),
            state: RunState::Waiting,
            stale: false,
            step: None,
            fault: None,
            decision,
            guard,
            command: None,
            version: 0,
            opened_at: now,
            updated_at: now,
            closed_at: None,
            expires_at: now,
            held_until: None,
            parent: proposal.parent,
        };
        let mut plan = plan(core, &run, &subject, used).await?;
        let sealed = proposal.value.as_ref().map(|value| secrets::seal(core, &run, value));
        if proposal.dry_run {
            let told = match rehearsal::rehearse(core, &run, sealed).await {
                Err(fault) => return Err(self.guessed(fault).await?),
                Ok(told) => told,
            };
            if let Some(told) = told {
                (plan.steps, plan.losses) = (told.steps, told.losses);
            }
            return Ok(Proposed::Plan(Box::new(plan)));
        }
        let control = self.clone();
        let (firing, pushing) = (proposal.firing, proposal.pushing);
        let bound = Bound { key: key.clone(), firing, pushing, replaces: proposal.replaces };
        let opened = self.owned("propose", async move { open(&control, run, bound, sealed).await }).await;
        match opened {
            // A repetition was faster: what it opened is the answer.
            Err(fault) if fault.code == key::CLAIMED => key::carried_out(&reader, key.as_ref()).await?.ok_or(fault),
            Err(fault) => Err(self.guessed(fault).await?),
            opened => opened,
        }
    }

    /// A wrong device code counts, whether it was tried out or meant.
    async fn guessed(&self, fault: Fault) -> Result<Fault, Fault> {
        if fault.code == enrolment::UNKNOWN_CODE {
            self.guessed_code().await?;
        }
        Ok(fault)
    }
}

/// Refuses what no part behind could make sense of.
fn check(action: &Action) -> Result<(), Fault> {
    use sf_actions::app::AppAction;
    use sf_actions::deploy::DeployAction;
    let checked = match action {
        Action::App(AppAction::Create(create)) => create.settings.check(),
        Action::App(AppAction::Update(update)) => update.settings.check(),
        Action::Deploy(DeployAction::Deploy(deploy)) => deploy.check(),
        Action::Patch(patch) => patch.apply().check(),
        Action::Proxy(ProxyAction::Provision(provision)) => provision.check(),
        Action::Schedule(schedule) => schedule.check(),
        Action::Hook(hook) => hook.check(),
        Action::User(user) => user.check(),
        Action::Preview(preview) => preview.check(),
        Action::Access(sf_actions::access::AccessAction::CreateToken(token)) => token.check(),
        Action::Role(role) => role.check(),
        Action::Tenant(tenant) => tenant.check(),
        Action::Policy(policy) => routing::check(policy),
        Action::Template(template) => template.check(),
        Action::Server(server) => server.check(),
        Action::Console(console) => console.check(),
        Action::File(file) => file.check(),
        Action::Allocation(allocation) => allocation.check(),
        Action::Alert(alert) => alert.check(),
        _ => Ok(()),
    };
    checked.map_err(|error| refused(&error))
}

/// Whether it is for people alone, or goes with what is.
fn only_people(actor: &Actor, proposal: &Proposal) -> Result<(), Fault> {
    decide::by_people(actor.kind, &proposal.action)?;
    match &proposal.replaces {
        Some((run, hash)) => decide::by_people(actor.kind, &reject(*run, hash)),
        None => Ok(()),
    }
}

fn reject(run: RunId, hash: &str) -> Action {
    Action::Run(RunAction::Reject(Decide { run, hash: hash.to_owned(), comment: None }))
}

/// What started a workflow is what expressions believe: nobody but the trigger itself says so.
fn set_by_us(actor: &Actor, action: &Action) -> Result<(), Fault> {
    let Action::Workflow(WorkflowAction::Run(run)) = action else { return Ok(()) };
    let is_it = |id| matches!(actor.kind, ActorKind::Trigger { trigger, .. } if trigger == id);
    match &run.trigger {
        Some(fired) if !is_it(fired.trigger) => {
            Err(refused(&sf_actions::Refused::new("trigger", "only triggers set it")))
        }
        _ => Ok(()),
    }
}

/// What an action is about, where this actor may do it.
async fn allowed(reader: &Reader, actor: &Actor, action: &Action) -> Result<Subject, Fault> {
    let subject = subject::resolve(reader, actor, action).await?;
    authorised(actor, action, &subject)?;
    people::invitations::welcome(reader, actor, action).await?;
    may_use_secrets(actor, action, &subject)?;
    may_preview(actor, action, &subject)?;
    may_chain(actor, action, &subject)?;
    Ok(subject)
}

fn authorised(actor: &Actor, action: &Action, subject: &Subject) -> Result<(), Fault> {
    let spec = action.spec();
    let target = action.target();
    let (view, needed) = match subject.rights {
        Some((view, needed)) => (Some(view), needed),
        None => (subject::view_right(target), spec.permission),
    };
    match sf_policy::authorise(actor, needed, view, &subject.owned()) {
        Access::Allow => Ok(()),
        Access::Hide => {
            let (what, id) = runs::target(target);
            Err(subject::missing(what, id))
        }
        Access::Forbid(right) => Err(Fault::new(
            ErrorKind::Forbidden,
            "permission.missing",
            format!("`{}` needs the permission `{right}`, which you do not have here.", spec.name),
        )
        .fix("Ask somebody who may manage roles to grant it.")),
    }
}

/// Who writes the environment of an app or server can read every secret in it: naming a secret that is not there already
/// needs the right to see the project's secrets.
fn may_use_secrets(actor: &Actor, action: &Action, subject: &Subject) -> Result<(), Fault> {
    use sf_actions::app::AppAction;
    use sf_actions::server::ServerAction;
    let fresh = match action {
        Action::App(AppAction::Create(create)) => of_app(&create.settings, subject),
        Action::App(AppAction::Update(update)) => of_app(&update.settings, subject),
        Action::Server(ServerAction::Create(create)) => of_server(&create.settings, subject),
        Action::Server(ServerAction::Update(update)) => {
            update.settings.as_ref().and_then(|new| of_server(new, subject))
        }
        _ => None,
    };
    let Some(fresh) = fresh else { return Ok(()) };
    match sf_policy::authorise(actor, Permission::SecretView, None, &subject.owned()) {
        Access::Allow => Ok(()),
        _ => Err(Fault::new(
            ErrorKind::Forbidden,
            "permission.missing",
            format!("Using the secret `{fresh}` needs the permission `{}`.", Permission::SecretView),
        )
        .fix("Ask somebody who may manage roles to grant it.")),
    }
}

/// A secret that an app's settings name and did not name before.
fn of_app<'a>(settings: &'a sf_actions::app::Settings, subject: &Subject) -> Option<&'a SecretName> {
    // A name in another environment is another use: what a preview runs, others write.
    let had = |environment| subject.app.as_ref().map(|app| app.settings.0.secrets(environment)).unwrap_or_default();
    let fresh = |environment| {
        let had = had(environment);
        settings.secrets(environment).into_iter().find(|name| !had.contains(name))
    };
    fresh(Environment::Production).or_else(|| fresh(Environment::Preview))
}

/// The same of a server's. In another variable it may go where others read it, so that counts as new.
fn of_server<'a>(settings: &'a sf_actions::server::ServerSettings, subject: &Subject) -> Option<&'a SecretName> {
    let had = subject.server.as_ref().map(|server| &server.settings.0.secrets);
    let is_new = |(variable, name): &(&String, &SecretName)| had.and_then(|had| had.get(*variable)) != Some(*name);
    settings.secrets.iter().find(is_new).map(|(_, name)| name)
}

/// Who sets previews has apps made and domains served by whoever pushes: both have to be theirs to give.
fn may_preview(actor: &Actor, action: &Action, subject: &Subject) -> Result<(), Fault> {
    let Action::Preview(PreviewAction::Configure(Configure { settings: Some(_), .. })) = action else { return Ok(()) };
    for right in [Permission::AppCreate, Permission::ProxyManage] {
        if sf_policy::authorise(actor, right, None, &subject.owned()) != Access::Allow {
            let message = format!("Setting previews needs the permission `{right}`: each is an app with a domain.");
            let fault = Fault::new(ErrorKind::Forbidden, "permission.missing", message);
            return Err(fault.fix("Ask somebody who may manage roles to grant it."));
        }
    }
    Ok(())
}

/// What the clock does to a server is done in the name of whoever set it: each step has to be theirs to do.
fn may_chain(actor: &Actor, action: &Action, subject: &Subject) -> Result<(), Fault> {
    let Action::Schedule(ScheduleAction::Set(set)) = action else { return Ok(()) };
    for step in &set.settings.steps {
        let right = match step.does {
            StepDoes::Command(_) => Permission::ConsoleCommand,
            StepDoes::Power(StepPower::Start) => Permission::ServerStart,
            StepDoes::Power(StepPower::Restart) => Permission::ServerRestart,
            StepDoes::Power(StepPower::Stop | StepPower::Kill) => Permission::ServerStop,
        };
        if sf_policy::authorise(actor, right, None, &subject.owned()) != Access::Allow {
            let message = format!("A step of it needs the permission `{right}`, which you do not have here.");
            let fault = Fault::new(ErrorKind::Forbidden, "permission.missing", message);
            return Err(fault.fix("Leave the step out, or ask somebody who may manage roles to grant it."));
        }
    }
    Ok(())
}

/// What a person would agree to: facts that must still hold when it is carried out.
fn guard(action: &Action, subject: &Subject, admission: Admission, used: &[GuardedSecret]) -> Guard {
    match (&subject.app, admission) {
        // A domain leads to the app, a push deploys it and a schedule runs, whichever release of it is live.
        (Some(_), _)
            if matches!(
                action,
                Action::Proxy(_) | Action::Schedule(_) | Action::Hook(_) | Action::Key(_) | Action::Preview(_)
            ) =>
        {
            Guard::default()
        }
        (Some(app), Admission::Ask) => {
            Guard { live_release: app.live_release, secrets: used.to_vec(), ..Guard::default() }
        }
        _ => Guard::default(),
    }
}

/// What would happen; refuses what cannot be planned before anything is recorded.
async fn plan(core: &Core, run: &Run, subject: &Subject, used: Vec<GuardedSecret>) -> Result<Plan, Fault> {
    let reader = core.store.read(sf_types::Scope::Tenant(subject.tenant));
    let planned = planned::on_node(&reader, core, run, &subject.object(), &used).await?;
    let Told { steps, losses } = planned.unwrap_or_else(|| planned::in_short(run));
    let asks = run.decision.admission == Admission::Ask;
    let waits_for = match asks {
        true => Some(format!("a person: {}", run.decision.because)),
        false => planned::waits_for(core, run),
    };
    let guard = Guard { secrets: used, ..run.guard.clone() };
    Ok(Plan { action: run.action.clone(), decision: run.decision.clone(), guard, steps, losses, waits_for })
}

/// Unlike other denials this one passes by itself.
fn quota_used() -> Fault {
    let message = "You have opened all the runs you may open in a minute.";
    Fault::new(ErrorKind::RateLimited, admission::QUOTA_USED, message)
        .fix("Wait a minute, or raise `routing.runs_a_minute` in serverflow.toml.")
}

/// What is true if and only if the run was opened.
struct Bound {
    key: Option<Key>,
    firing: Option<Box<(Trigger, Firing)>>,
    pushing: Option<Box<hooks::Pushing>>,
    replaces: Option<(RunId, String)>,
}

/// Opens the run: row, timeline, audit line, effects and, in the control plane, the change itself.
async fn open(control: &Control, run: Run, bound: Bound, sealed: Option<Vec<u8>>) -> Result<Proposed, Fault> {
    let core = control.core().clone();
    let store: Store = core.store.clone();
    let scope = sf_types::Scope::Tenant(run.tenant);
    let (run, made, after) = store
        .write(scope, move |tx| {
            Box::pin(async move {
                let mut after = After::default();
                if let Some(parent) = &run.parent {
                    calls::in_time(tx, parent, core.store.instance()).await?;
                }
                if let Some(pushing) = bound.pushing.as_deref() {
                    hooks::first(tx, pushing).await?;
                }
                let run = quota::judge(tx, run, core.options.routing.runs_a_minute).await?;
                secrets::wait(tx, &run, sealed).await?;
                if let Some((old, hash)) = &bound.replaces {
                    decide::replace(tx, &core, &run, (*old, hash), &mut after).await?;
                }
                let (run, made) = transition::open(tx, &core, run, &mut after).await?;
                key::claim(tx, bound.key.as_ref(), &run, &made).await?;
                if let Some(pushing) = bound.pushing.as_deref() {
                    hooks::record(tx, &run, pushing.clone()).await?;
                }
                // A denial opens nothing: whose moment it was keeps why.
                if let Some((trigger, firing)) = bound.firing.as_deref()
                    && run.state != RunState::Done(sf_engine::Done::Denied)
                {
                    workflows::fired(tx, trigger, firing).await?;
                }
                Ok((run, made, after))
            })
        })
        .await?;
    control.deliver(after);
    if run.state != RunState::Done(sf_engine::Done::Denied) {
        control.core().quota.opened(crate::dispatch::authz(&run).user);
    }
    if run.is_done() && run.fault.is_none() {
        return Ok(Proposed::Done(Box::new(run), made));
    }
    match run.fault {
        Some(fault) if run.state == RunState::Done(sf_engine::Done::Denied) => {
            Err(if run.decision.inputs.quota_left == 0 { quota_used() } else { fault })
        }
        _ => Ok(Proposed::Open(Box::new(run))),
    }
}
