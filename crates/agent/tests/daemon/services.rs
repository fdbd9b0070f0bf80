//! SERVICE_ACTION on a real node: the nginx of its own, and commands of its owner's.

use sf_protocol::order::{Order, ServiceAction, ServiceVerb};
use sf_protocol::outcome::Facts;
use sf_protocol::query::{Query, Reply};
use sf_protocol::report::{ServiceReport, ServiceState};
use sf_protocol::{Outcome, Verdict};
use sf_types::Millis;

use super::world::World;

struct Machine {
    world: World,
}

impl Machine {
    /// Whose owner wrote this into policy.toml.
    async fn of(policy: &str) -> Self {
        let mut world = World::enrolled().await;
        std::fs::write(world.state().join("policy.toml"), policy).unwrap();
        world.start(None).await;
        world.plane.connected(0).await;
        Self { world }
    }

    async fn steer(&self, service: &str, verb: ServiceVerb) -> Outcome {
        let service = service.parse().unwrap();
        self.world.plane.run(Order::ServiceAction(ServiceAction { service, verb, time_limit: Millis::secs(20) })).await
    }

    async fn services(&self) -> Vec<ServiceReport> {
        match self.world.plane.ask(Query::Services).await {
            Reply::Services(services) => services,
            reply => panic!("{reply:?}"),
        }
    }
}

fn state(outcome: &Outcome) -> ServiceState {
    let Facts::Service { state } = outcome.facts else { panic!("{outcome:?}") };
    state
}

fn code(outcome: &Outcome) -> &str {
    outcome.fault.as_ref().map_or("", |fault| &fault.code)
}

#[tokio::test]
async fn without_the_owners_word_nothing_of_the_machine_is_steered() {
    let machine = Machine::of("[services.beacon]\nrestart = [\"/bin/true\"]\n").await;
    let outcome = machine.steer("beacon", ServiceVerb::Restart).await;
    assert_eq!((outcome.verdict, code(&outcome)), (Verdict::Refused, "policy.denied"));
    assert_eq!(machine.services().await, []);
}

#[tokio::test]
async fn a_service_of_the_owners_is_steered_by_its_commands_and_seen_to_do_it() {
    let dir = tempfile::tempdir().unwrap();
    let (on, at) = (dir.path().join("on"), dir.path().display());
    let policy = format!(
        "danger = true\n\
         [services.beacon]\nstart = [\"/usr/bin/touch\", \"{at}/on\"]\nstop = [\"/usr/bin/rm\", \"{at}/on\"]\n\
         reload = [\"/usr/bin/touch\", \"{at}/$(id)\"]\nstatus = [\"/usr/bin/test\", \"-e\", \"{at}/on\"]\n\
         [services.liar]\nstart = [\"/bin/true\"]\nstatus = [\"/bin/false\"]\n\
         [services.broken]\nrestart = [\"/usr/bin/ls\", \"/nowhere/at/all\"]\n\
         [services.absent]\nrestart = [\"/opt/no/such/program\"]\n"
    );
    let machine = Machine::of(&policy).await;
    let outcome = machine.steer("beacon", ServiceVerb::Start).await;
    assert_eq!((outcome.verdict, state(&outcome)), (Verdict::Succeeded, ServiceState::Running), "{outcome:?}");
    assert!(on.exists());
    // No shell reads it.
    let outcome = machine.steer("beacon", ServiceVerb::Reload).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert!(dir.path().join("$(id)").exists());
    let outcome = machine.steer("beacon", ServiceVerb::Stop).await;
    assert_eq!((outcome.verdict, state(&outcome)), (Verdict::Succeeded, ServiceState::Stopped), "{outcome:?}");

    for (service, verb, expected) in [
        ("beacon", ServiceVerb::Restart, "service.no_such_verb"),
        ("sshd", ServiceVerb::Stop, "service.not_listed"),
        ("liar", ServiceVerb::Start, "service.not_running"),
        ("broken", ServiceVerb::Restart, "service.command"),
        ("absent", ServiceVerb::Restart, "service.command"),
    ] {
        let outcome = machine.steer(service, verb).await;
        assert_eq!((outcome.verdict, code(&outcome)), (Verdict::Failed, expected), "{service}");
        assert!(!outcome.fault.as_ref().unwrap().fix.is_empty());
    }
    let told = machine.services().await;
    let beacon = told.iter().find(|one| one.name.as_str() == "beacon").unwrap();
    assert_eq!(beacon.verbs, [ServiceVerb::Start, ServiceVerb::Stop, ServiceVerb::Reload]);
    assert_eq!(beacon.state, ServiceState::Stopped);
}

#[tokio::test]
async fn an_order_that_was_under_way_when_the_agent_ended_is_not_done_twice() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().display();
    // It says that it has begun, and waits for a word that comes from nobody.
    nix::unistd::mkfifo(&dir.path().join("word"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let policy = format!(
        "danger = true\n[services.slow]\n\
         restart = [\"/usr/bin/dd\", \"if={at}/word\", \"of={at}/began\", \"status=none\"]\n"
    );
    let mut machine = Machine::of(&policy).await;
    let service = "slow".parse().unwrap();
    let order =
        Order::ServiceAction(ServiceAction { service, verb: ServiceVerb::Restart, time_limit: Millis::secs(60) });
    let id = machine.world.plane.order(order, sf_protocol::Guard::default());
    // dd opens what it reads first: whoever can write without waiting is heard by it.
    let word = dir.path().join("word");
    let began = tokio::task::spawn_blocking(move || std::fs::File::options().write(true).open(word).unwrap());
    let held = began.await.unwrap();
    machine.world.kill().await;
    drop(held);
    machine.world.start(None).await;
    machine.world.plane.connected(1).await;
    let outcome = machine.world.plane.outcome(id).await;
    assert_eq!((outcome.verdict, code(&outcome)), (Verdict::Failed, "agent.restarted"));
    // A second one would be waited for by the next look at the list of services, and none is.
    assert_eq!(machine.services().await.len(), 2, "nginx, and what the owner lists");
}
