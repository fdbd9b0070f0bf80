//! From an action and the facts about its target to the order for the node.

use sf_actions::app::{AppAction as AppChange, Settings};
use sf_actions::deploy::DeployAction;
use sf_actions::node::NodeAction;
use sf_actions::patch::PatchAction;
use sf_actions::process::ProcessVerb;
use sf_actions::proxy::ProxyAction;
use sf_actions::schedule::ScheduleAction;
use sf_actions::{Action, Environment, Place, Source, Variable};
use sf_protocol::app::{AppSpec, EnvVar};
use sf_protocol::order::{
    AppAction, AppVerb, DeleteProxy, Deploy, DeploySource, GitSource, ProvisionDomain, ServiceAction,
};
use sf_protocol::patch::Patch;
use sf_protocol::schedule::{ScheduleOrder, ScheduleSpec};
use sf_protocol::site::SiteSpec;
use sf_protocol::{Guard, Order};
use sf_types::{AppId, Fault, Millis, ProxyId, ReleaseId, ScheduleId, Slug};

/// How long a new release is watched after the switch.
pub const WATCH: Millis = Millis::secs(10);

/// What the control plane knows of an app when it plans.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppFacts {
    /// The app.
    pub app: AppId,
    /// Its name.
    pub slug: Slug,
    /// Its settings.
    pub settings: Settings,
    /// Its generation after this change.
    pub generation: u64,
    /// The live release.
    pub live: Option<ReleaseId>,
    /// Kept releases that can be returned to, newest first, without the live one.
    pub kept: Vec<ReleaseId>,
    /// The domain an action is about, with its generation after this change.
    pub site: Option<(ProxyId, u64)>,
    /// What of its environment its processes get.
    pub environment: Environment,
    /// The schedule an action is about, with the generation that setting it gives it.
    pub schedule: Option<(ScheduleId, u64)>,
}

/// An order that a node can carry out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// The order.
    pub order: Order,
    /// What it depends on.
    pub guard: Guard,
    /// The release it makes or returns to.
    pub release: Option<ReleaseId>,
}

/// The order that an action gives to a machine itself, where it is about no app.
pub fn of_machine(action: &Action) -> Option<Order> {
    let Action::Node(NodeAction::Service(args)) = action else { return None };
    // The node says how it ended before the run's own time is over.
    let time_limit = Millis(u64::try_from(action.spec().time_limit.as_millis()).unwrap_or(u64::MAX) / 2);
    Some(Order::ServiceAction(ServiceAction { service: args.service.clone(), verb: args.verb, time_limit }))
}

/// Plans `action` on an app. `new_release` is the id a fresh release will get.
///
/// # Errors
/// A [`Fault`] when the action cannot be carried out on what is there: nothing to roll back to, nothing deployed.
pub fn plan(action: &Action, facts: &AppFacts, new_release: ReleaseId) -> Result<Planned, Fault> {
    let spec = action.spec();
    debug_assert_eq!(spec.place, Place::Node, "only orders to nodes are planned");
    let time_limit = Millis(u64::try_from(spec.time_limit.as_millis()).unwrap_or(u64::MAX));
    let full = matches!(action, Action::Deploy(DeployAction::Deploy(args)) if args.full);
    let deploy = |release, from, commit: Option<String>| Planned {
        order: Order::Deploy(Box::new(Deploy {
            app: app_spec(facts),
            release,
            from,
            time_limit,
            watch: WATCH,
            full,
            key: None,
        })),
        guard: Guard { commit, live_release: facts.live, ..Guard::default() },
        release: Some(release),
    };
    match action {
        Action::Deploy(DeployAction::Deploy(args)) => {
            let source = GitSource {
                url: facts.settings.repository.clone(),
                reference: args.reference.clone().or_else(|| facts.settings.reference.clone()),
                commit: args.commit.clone(),
            };
            Ok(deploy(new_release, DeploySource::Git(source), args.commit.clone()))
        }
        Action::Deploy(DeployAction::Rollback(args)) => {
            let release = match args.release {
                Some(wanted) if Some(wanted) == facts.live => return Err(already_live(facts)),
                Some(wanted) if facts.kept.contains(&wanted) => wanted,
                Some(_) => return Err(not_kept(facts)),
                None => *facts.kept.first().ok_or_else(|| nothing_kept(facts))?,
            };
            Ok(deploy(release, DeploySource::Kept, None))
        }
        Action::Process(process) => {
            let verb = match process.verb {
                ProcessVerb::Start => AppVerb::Start,
                ProcessVerb::Stop => AppVerb::Stop,
                ProcessVerb::Restart => AppVerb::Restart,
            };
            if facts.live.is_none() {
                return Err(never_deployed(facts));
            }
            Ok(act(facts, verb))
        }
        Action::Patch(action) => {
            let args = action.apply();
            if facts.live.is_none() {
                return Err(never_deployed(facts));
            }
            let patch = Patch {
                app: facts.app,
                generation: facts.generation,
                release: new_release,
                file: args.change(),
                effect: args.effect.takes_effect(),
                accept_broken: matches!(action, PatchAction::Force(_)),
                // The node says how it ended before the run's own time is over.
                time_limit: Millis(time_limit.0 / 2),
                watch: WATCH,
            };
            let guard = Guard { live_release: facts.live, ..Guard::default() };
            Ok(Planned { order: Order::Patch(Box::new(patch)), guard, release: Some(new_release) })
        }
        Action::App(AppChange::Delete(_)) => Ok(act(facts, AppVerb::Delete)),
        Action::Proxy(action) => {
            let (proxy, generation) = facts.site.ok_or_else(|| no_site(facts))?;
            let order = match action {
                ProxyAction::Provision(wanted) => {
                    let (domain, settings) = (wanted.domain.clone(), wanted.settings.clone());
                    let site = SiteSpec { proxy, app: facts.app, generation, domain, settings };
                    // The node says how it ended before the run's own time is over.
                    let time_limit = Millis(time_limit.0 * 3 / 4);
                    Order::ProvisionDomain(Box::new(ProvisionDomain { site, time_limit }))
                }
                ProxyAction::Delete(_) => Order::DeleteProxy(DeleteProxy { proxy, app: facts.app }),
            };
            Ok(Planned { order, guard: Guard::default(), release: None })
        }
        Action::Schedule(action) => {
            if facts.live.is_none() {
                return Err(never_deployed(facts));
            }
            let schedule = facts.schedule.ok_or_else(|| no_schedule(facts))?;
            let order = Order::Schedule(Box::new(of_schedule(action, schedule)));
            Ok(Planned { order, guard: Guard::default(), release: None })
        }
        // Servers of the panel are ordered by their templates (`control::panel`).
        Action::App(AppChange::Create(_) | AppChange::Update(_))
        | Action::Node(_)
        | Action::Run(_)
        | Action::Access(_)
        | Action::Role(_)
        | Action::Project(_)
        | Action::User(_)
        | Action::Factor(_)
        | Action::Secret(_)
        | Action::Tenant(_)
        | Action::Policy(_)
        | Action::Template(_)
        | Action::Server(_)
        | Action::Power(_)
        | Action::Console(_)
        | Action::File(_)
        | Action::Allocation(_)
        | Action::Alert(_)
        | Action::Hook(_)
        | Action::Key(_)
        | Action::Preview(_)
        | Action::Workflow(_) => Err(Fault::new(
            sf_types::ErrorKind::Internal,
            "plan.place",
            format!("`{}` is carried out by the control plane itself.", spec.name),
        )),
    }
}

fn act(facts: &AppFacts, verb: AppVerb) -> Planned {
    Planned {
        order: Order::AppAction(Box::new(AppAction {
            app: facts.app,
            verb,
            generation: facts.generation,
            secrets: Vec::new(),
        })),
        guard: Guard { live_release: facts.live, ..Guard::default() },
        release: None,
    }
}

/// The app as its node shall know it, but for its secrets: they are sealed when the order is signed.
pub fn app_spec(facts: &AppFacts) -> AppSpec {
    let settings = &facts.settings;
    AppSpec {
        app: facts.app,
        slug: facts.slug.clone(),
        generation: facts.generation,
        traffic: settings.traffic,
        build: settings.build.clone(),
        env: settings.variables(facts.environment).filter_map(plain).collect(),
        secrets: Vec::new(),
        health: settings.health.clone(),
        restart: settings.restart.clone(),
        limits: settings.limits,
        keep_releases: settings.keep_releases,
    }
}

fn plain(variable: &Variable) -> Option<EnvVar> {
    match &variable.source {
        Source::Value(value) => Some(EnvVar { name: variable.name.clone(), value: value.clone() }),
        Source::Secret(_) => None,
    }
}

fn conflict(code: &str, message: String, fix: &str) -> Fault {
    Fault::new(sf_types::ErrorKind::Conflict, code, message).fix(fix)
}

fn nothing_kept(facts: &AppFacts) -> Fault {
    let message = format!("`{}` has no earlier release on its node.", facts.slug);
    conflict("deploy.nothing_kept", message, "Deploy an earlier commit instead.")
}

fn not_kept(facts: &AppFacts) -> Fault {
    let message = format!("That release of `{}` is not on its node any more.", facts.slug);
    conflict("deploy.not_kept", message, "Choose a kept one, or deploy its commit again.")
}

fn no_site(facts: &AppFacts) -> Fault {
    conflict("proxy.unknown", format!("That domain does not lead to `{}`.", facts.slug), "Look at the app's domains.")
}

/// The order that an action about a schedule gives, with the generation that setting it gives it.
pub fn of_schedule(action: &ScheduleAction, (schedule, generation): (ScheduleId, u64)) -> ScheduleOrder {
    let whose = action.whose();
    match action {
        ScheduleAction::Set(set) => {
            let (name, settings) = (set.name.clone(), set.settings.clone());
            ScheduleOrder::Set { spec: ScheduleSpec { schedule, whose, name, generation, settings } }
        }
        ScheduleAction::Delete(_) => ScheduleOrder::Delete { whose, schedule },
        ScheduleAction::Run(_) => ScheduleOrder::Run { whose, schedule },
    }
}

fn no_schedule(facts: &AppFacts) -> Fault {
    let message = format!("`{}` has no such schedule.", facts.slug);
    conflict("schedule.unknown", message, "Look at the app's schedules.")
}

fn already_live(facts: &AppFacts) -> Fault {
    conflict("deploy.already_live", format!("That release of `{}` is live already.", facts.slug), "Choose another one.")
}

fn never_deployed(facts: &AppFacts) -> Fault {
    conflict("app.never_deployed", format!("`{}` was never deployed.", facts.slug), "Deploy it first.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::deploy::Rollback;
    use sf_actions::process::ProcessAction;
    use sf_types::{Timestamp, TypedId};

    fn release(n: u8) -> ReleaseId {
        ReleaseId::from_parts(Timestamp::from_millis(1), [n; 10])
    }

    fn facts(live: Option<u8>, kept: &[u8]) -> AppFacts {
        AppFacts {
            app: AppId::from_parts(Timestamp::from_millis(1), [1; 10]),
            slug: "shop".parse().unwrap(),
            settings: Settings::of("https://git.example.org/shop"),
            generation: 4,
            live: live.map(release),
            kept: kept.iter().copied().map(release).collect(),
            site: None,
            environment: Environment::Production,
            schedule: None,
        }
    }

    fn check_rollback(facts: AppFacts, wanted: Option<u8>, expected: Result<u8, &str>) {
        let action = Action::Deploy(DeployAction::Rollback(Rollback { app: facts.app, release: wanted.map(release) }));
        let planned = plan(&action, &facts, release(99));
        let got = planned.as_ref().map(|planned| planned.release.unwrap()).map_err(|fault| fault.code.as_str());
        assert_eq!(got, expected.map(release));
        if let Ok(planned) = planned {
            let Order::Deploy(deploy) = planned.order else { panic!("a rollback is a deploy") };
            assert_eq!((deploy.from, planned.guard.live_release), (DeploySource::Kept, facts.live));
        }
    }

    #[test]
    fn a_rollback_finds_its_release_or_says_why_not() {
        check_rollback(facts(Some(3), &[2, 1]), None, Ok(2));
        check_rollback(facts(Some(3), &[2, 1]), Some(1), Ok(1));
        check_rollback(facts(Some(3), &[2, 1]), Some(3), Err("deploy.already_live"));
        check_rollback(facts(Some(3), &[2, 1]), Some(9), Err("deploy.not_kept"));
        check_rollback(facts(Some(3), &[]), None, Err("deploy.nothing_kept"));
    }

    #[test]
    fn a_preview_is_never_given_what_is_productions() {
        let mut facts = facts(None, &[]);
        let marked = |environment| Variable { environment, ..Variable::value(environment.word(), "x") };
        let all = [Environment::Production, Environment::Preview, Environment::All];
        facts.settings.env = all.map(marked).to_vec();
        for (environment, names) in
            [(Environment::Production, ["production", "all"]), (Environment::Preview, ["preview", "all"])]
        {
            let given = app_spec(&AppFacts { environment, ..facts.clone() }).env;
            assert_eq!(given.iter().map(|var| var.name.as_str()).collect::<Vec<_>>(), names);
        }
    }

    #[test]
    fn processes_need_a_release() {
        let action = |facts: &AppFacts| Action::Process(ProcessAction { app: facts.app, verb: ProcessVerb::Restart });
        let empty = facts(None, &[]);
        assert_eq!(plan(&action(&empty), &empty, release(9)).unwrap_err().code, "app.never_deployed");
        let live = facts(Some(1), &[]);
        let planned = plan(&action(&live), &live, release(9)).unwrap();
        assert_eq!(planned.order.kind(), sf_protocol::Kind::AppAction);
    }
}
