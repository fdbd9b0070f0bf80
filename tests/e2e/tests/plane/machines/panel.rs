//! Servers of the panel on a simulated node: ordered, believed, brought in step, deleted.

use anyhow::{Context, Result, bail};
use sf_actions::console::{ConsoleAction, ConsoleCommand};
use sf_actions::file::{FileAction, Write};
use sf_actions::power::{PowerAction, PowerVerb};
use sf_actions::schedule::{ScheduleAction, SetSchedule};
use sf_actions::server::{Create, Reinstall, ServerAction, ServerRef, ServerSettings};
use sf_actions::{Action, Actor};
use sf_control::queries::panel::files::FilesAsked;
use sf_control::{Made, Proposed};
use sf_engine::{Done, RunState};
use sf_protocol::Frame;
use sf_protocol::order::Order;
use sf_protocol::report::{NodeSample, SystemLog};
use sf_protocol::schedule::Whose;
use sf_protocol::server::{FileContent, FileVerb, ServerLimits, ServerVerb};
use sf_store::nodes::NodeStatus;
use sf_store::servers::{self, Install, Server, State};
use sf_store::{allocations, nodes};
use sf_testkit::{Plane, Script, SimNode};
use sf_types::{AltId, ByteSize, FileState, RunId, Scope, ServerId};

async fn made(plane: &Plane, actor: &Actor, action: Action) -> Result<Made> {
    match plane.propose(actor, action).await? {
        Proposed::Done(_, made) => Ok(made),
        other => bail!("done at once: {other:?}"),
    }
}

/// A server of a node's own, and the run that installs it.
pub async fn server(plane: &Plane, admin: &Actor, node: &SimNode, name: &str) -> Result<(ServerId, RunId)> {
    plane.server(admin, node, name).await
}

async fn row(plane: &Plane, server: ServerId) -> Result<Server> {
    Ok(servers::get(&plane.control.store().read(Scope::System), server).await?)
}

async fn power(plane: &Plane, admin: &Actor, server: ServerId, verb: PowerVerb) -> Result<()> {
    let run = plane.open_run(admin, Action::Power(PowerAction { server, verb })).await?;
    let ended = plane.ended(run).await?;
    anyhow::ensure!(ended.state == RunState::Done(Done::Succeeded), "{verb:?}: {ended:?}");
    Ok(())
}

fn verbs(node: &SimNode) -> Vec<String> {
    let verb = |order: Order| match order {
        Order::ServerAction(order) => Some(match order.verb {
            ServerVerb::Install { wipe, .. } => if wipe { "wipe and install" } else { "install" }.to_owned(),
            ServerVerb::Command { line } => format!("command {line}"),
            other => format!("{other:?}").to_lowercase(),
        }),
        _ => None,
    };
    node.began().into_iter().filter_map(|command| verb(command.order)).collect()
}

pub async fn a_server_is_installed_started_steered_and_deleted_by_its_node(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    // Made while its node is silent: its installation waits for it.
    let (server, install) = server(&plane, &admin, &node, "tiny").await?;
    assert_eq!(plane.run(install).await?.state, RunState::Ready);
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Quick).await?;
    assert_eq!(plane.ended(install).await?.state, RunState::Done(Done::Succeeded));
    let installed = row(&plane, server).await?;
    assert_eq!((installed.install, installed.state), (Install::Installed, State::Stopped));
    power(&plane, &admin, server, PowerVerb::Start).await?;
    assert_eq!(row(&plane, server).await?.state, State::Running);
    let command = ConsoleCommand { server, line: "say hello".into() };
    let said = plane.open_run(&admin, Action::Console(ConsoleAction::Command(command))).await?;
    assert_eq!(plane.ended(said).await?.state, RunState::Done(Done::Succeeded));
    power(&plane, &admin, server, PowerVerb::Stop).await?;
    let stopped = row(&plane, server).await?;
    assert_eq!(stopped.state, State::Stopped);
    assert_eq!(stopped.report.context("its word")?.0.stopped_by.as_deref(), Some("command stop after 0.1 s"));

    let again = ServerAction::Reinstall(Reinstall { server, wipe: true });
    let again = plane.open_run(&admin, Action::Server(again)).await?;
    assert_eq!(plane.ended(again).await?.state, RunState::Done(Done::Succeeded));
    // Suspended, it is refused before anything is ordered; let again, it starts.
    for (action, starts) in
        [(ServerAction::Suspend(ServerRef { server }), false), (ServerAction::Unsuspend(ServerRef { server }), true)]
    {
        let run = plane.open_run(&admin, Action::Server(action)).await?;
        assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
        let start = plane.propose(&admin, Action::Power(PowerAction { server, verb: PowerVerb::Start })).await;
        match (start, starts) {
            (Ok(Proposed::Open(run)), true) => drop(plane.ended(run.id).await?),
            (Err(fault), false) => assert_eq!(fault.code, "server.suspended"),
            (other, _) => bail!("{other:?}"),
        }
    }
    let ordered = ["install", "start", "command say hello", "stop", "wipe and install", "stop", "configure", "start"];
    assert_eq!(verbs(&node), ordered);
    let gone = plane.open_run(&admin, Action::Server(ServerAction::Delete(ServerRef { server }))).await?;
    assert_eq!(plane.ended(gone).await?.state, RunState::Done(Done::Succeeded));
    assert!(row(&plane, server).await.is_err(), "rows go last");
    plane.audited().await?;
    session.cut().await;
    plane.stop().await;
    Ok(())
}

pub async fn files_of_a_server_are_changed_by_orders_and_who_read_one_is_recorded(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let (server, install) = server(&plane, &admin, &node, "tiny").await?;
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Quick).await?;
    plane.ended(install).await?;
    let before = row(&plane, server).await?.generation;
    let (path, text) = ("motd.txt".to_owned(), Some("a secret word".to_owned()));
    let write = Write { server, path: path.clone(), text, base64: None, before: Some(FileState::Absent) };
    let written = plane.open_run(&admin, Action::File(FileAction::Write(Box::new(write)))).await?;
    assert_eq!(plane.ended(written).await?.state, RunState::Done(Done::Succeeded));
    assert_eq!(row(&plane, server).await?.generation, before);
    let order = node.began().into_iter().find_map(|command| match command.order {
        Order::FileAction(order) => Some(*order),
        _ => None,
    });
    let order = order.context("an order about files")?;
    let content = FileContent::Text("a secret word".to_owned());
    assert_eq!(order.server, server);
    assert_eq!(order.verb, FileVerb::Write { path: path.clone(), content, before: Some(FileState::Absent) });

    let request = sf_runtime::Rng::system().id(&sf_runtime::Clock::system());
    let asked = FilesAsked { actor: &admin, request, server };
    assert_eq!(plane.control.server_folder(asked, String::new(), None, 10).await?.total, 1);
    let piece = plane.control.server_file_piece(asked, path.clone(), 0).await?;
    assert_eq!(piece.content, FileContent::Text("hello\n".to_owned()));
    let missing = plane.control.server_file(asked, "none".to_owned()).await.err().context("it is not there")?;
    assert_eq!(missing.code, "file.not_found");
    let lines = plane.audited().await?;
    let read: Vec<_> = lines.iter().filter(|line| line.action == "file.read").collect();
    assert_eq!(read.len(), 1, "lists are not recorded");
    assert_eq!((read[0].target_kind.as_str(), read[0].target_id.as_str()), ("server", &*server.to_string()));
    assert!(!format!("{lines:?}").contains("a secret word"));
    session.cut().await;
    plane.stop().await;
    Ok(())
}

pub async fn a_dead_node_blocks_nothing_and_deletes_what_was_forgotten_when_it_is_back(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let (server, install) = server(&plane, &admin, &node, "tiny").await?;
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Quick).await?;
    plane.ended(install).await?;
    let forget = || Action::Server(ServerAction::Forget(ServerRef { server }));
    let refused = plane.propose(&admin, forget()).await.err().context("its node is there")?;
    assert_eq!(refused.code, "server.node_is_there");
    session.cut().await;
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    let listed = row(&plane, server).await?;
    assert!(plane.control.unknown_since(&listed).await?.is_some());
    made(&plane, &admin, forget()).await?;
    assert!(row(&plane, server).await.is_err());
    let reader = plane.control.store().read(Scope::System);
    assert_eq!(servers::leftovers(&reader, node.id()).await?.len(), 1);
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Quick).await?;
    let cleared = async {
        while !servers::leftovers(&reader, node.id()).await?.is_empty() {
            plane.control.store().probe().await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), cleared).await??;
    assert_eq!(verbs(&node).last().map(String::as_str), Some("delete"));
    session.cut().await;
    plane.stop().await;
    Ok(())
}

/// A further server of a template, with so many ports and these limits; nothing is installed.
fn another(node: &SimNode, alt: AltId, name: &str, (ports, limits): (u16, ServerLimits)) -> Result<Action> {
    Ok(Action::Server(ServerAction::Create(Box::new(Create {
        name: name.parse()?,
        alt,
        alt_version: None,
        node: Some(node.id()),
        project: None,
        owner: None,
        allocations: Vec::new(),
        ports,
        settings: ServerSettings { limits, ..ServerSettings::default() },
        install: false,
    }))))
}

/// And no more than that.
pub async fn more_than_a_machine_has_is_promised_where_its_operator_says_so(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let (first, _) = server(&plane, &admin, &node, "first").await?;
    let alt = row(&plane, first).await?.alt;
    let facts = nodes::get(&plane.control.store().read(Scope::System), node.id()).await?.facts;
    let memory = facts.context("what it is")?.0.memory;
    let large = |name: &str| {
        let memory = Some(ByteSize(memory / 4 * 5));
        another(&node, alt, name, (0, ServerLimits { memory, ..ServerLimits::default() }))
    };
    let refused = plane.propose(&admin, large("large")?).await.err().context("it has less")?;
    assert_eq!(refused.code, "server.no_room");
    let plane = plane.reconfigured(|options| options.panel.memory_overcommit_percent = 50).await?;
    made(&plane, &admin, large("large")?).await?;
    let refused = plane.propose(&admin, large("larger")?).await.err().context("it is promised already")?;
    assert_eq!(refused.code, "server.no_room");
    plane.stop().await;
    Ok(())
}

/// Whatever the node says of an earlier moment; and one that is taken is better than none.
pub async fn a_port_that_something_else_has_is_given_last(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let (mut wire, _) = node.connect(&plane.dial()).await?;
    let now = plane.clock.now();
    for (at, held) in [(now, 25_565), (now.minus(std::time::Duration::from_secs(60)), 25_566)] {
        let (sample, held) = (NodeSample::default(), Some(vec![held]));
        let log = SystemLog { at, node: sample, apps: Vec::new(), servers: Vec::new(), held };
        wire.say(&Frame::SystemLog(log)).await?;
        while !matches!(wire.hear().await?, Frame::Stored(stored) if stored.metrics == Some(at)) {}
    }
    let reader = plane.control.store().read(Scope::System);
    let ports = async |server| -> Result<Vec<u32>> {
        Ok(allocations::of_server(&reader, server).await?.iter().map(|one| one.port).collect())
    };
    let (first, _) = server(&plane, &admin, &node, "first").await?;
    assert_eq!(ports(first).await?, [25_566]);
    let alt = row(&plane, first).await?.alt;
    let made = made(&plane, &admin, another(&node, alt, "second", (1, ServerLimits::default()))?).await?;
    let Made::Server(second) = made else { bail!("a server: {made:?}") };
    assert_eq!(ports(second).await?, [25_565]);
    plane.stop().await;
    Ok(())
}

/// A chain is what the server's node has, goes wrong once, and goes with its server.
pub async fn a_servers_schedule_is_a_chain_its_node_has(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let (server, install) = server(&plane, &admin, &node, "tiny").await?;
    let whose = Whose::Server(server);
    let settings = serde_json::json!({ "cron": "@daily", "steps": [{ "command": "save" }, { "power": "restart" }] });
    let set = SetSchedule { whose, name: "nightly".parse()?, settings: serde_json::from_value(settings)? };
    let set = Action::Schedule(ScheduleAction::Set(Box::new(set)));
    anyhow::ensure!(plane.ended(install).await?.state == RunState::Done(Done::Succeeded));
    let before = row(&plane, server).await?.generation;
    let ended = plane.ended(plane.open_run(&admin, set).await?).await?;
    anyhow::ensure!(ended.state == RunState::Done(Done::Succeeded), "{ended:?}");
    let command = node.began().pop().context("an order")?;
    let Order::Schedule(order) = &command.order else { bail!("a schedule: {command:?}") };
    assert_eq!(
        (order.whose(), row(&plane, server).await?.generation),
        (whose, before),
        "nothing of the server changed"
    );
    let shown = plane.control.schedules(&admin, whose).await?;
    assert_eq!((shown.len(), shown[0].schedule.server, shown[0].next.len()), (1, Some(server), 3));
    let delete = Action::Server(ServerAction::Delete(ServerRef { server }));
    let ended = plane.ended(plane.open_run(&admin, delete).await?).await?;
    anyhow::ensure!(ended.state == RunState::Done(Done::Succeeded), "{ended:?}");
    let left = sf_store::schedules::of(&plane.control.store().read(Scope::System), whose).await?;
    assert!(left.is_empty(), "it goes with its server");
    Ok(())
}
