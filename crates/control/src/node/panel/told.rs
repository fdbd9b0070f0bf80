//! What actions of the panel would do, for people.

use sf_actions::Action;
use sf_actions::allocation::AllocationAction;
use sf_actions::schedule::ScheduleAction;
use sf_actions::server::{Create, ServerAction};
use sf_actions::template::TemplateAction;
use sf_engine::Run;
use sf_protocol::order::Order;
use sf_protocol::schedule::Whose;
use sf_protocol::server::{ServerVerb, Stop};
use sf_store::servers::Server;
use sf_store::{Look, allocations, alts, ctrls, grants, nodes, schedules, servers};

use super::{files, rules};
use crate::rehearsal::{Told, given_at};

/// What the control plane would change itself.
pub(crate) async fn tell(at: &impl Look, run: &Run) -> sf_store::Result<Told> {
    match &run.action {
        Action::Alert(_) => rules::tell(at, run).await,
        Action::Template(action) => template(at, action).await,
        Action::Allocation(action) => ports(at, action).await,
        Action::Server(ServerAction::Create(create)) => created(at, create).await,
        Action::Server(ServerAction::Update(update)) => {
            let row = servers::get(at, update.server).await?;
            let mut told = Told::default();
            told.steps.push(format!("The settings of `{}` are replaced.", row.name));
            if let Some(version) = update.alt_version.filter(|version| *version != row.alt_version) {
                told.steps
                    .push(format!("It follows version {version} of its template; it followed {}.", row.alt_version));
            }
            told.steps.push("They take effect with its next start; its files stay as they are.".to_owned());
            Ok(told)
        }
        Action::Server(ServerAction::Forget(of)) => {
            let row = servers::get(at, of.server).await?;
            let mut told = Told::default();
            told.steps.push(format!("`{}` is deleted here at once.", row.name));
            told.steps.push("Its machine is told to delete its files when it is back.".to_owned());
            told.losses = losses(at, &row).await?;
            Ok(told)
        }
        _ => Ok(Told::default()),
    }
}

async fn created(at: &impl Look, create: &Create) -> sf_store::Result<Told> {
    let alt = alts::get(at, create.alt).await?;
    let version = create.alt_version.unwrap_or(alt.version);
    let mut told = Told::default();
    let on = match create.node {
        Some(node) => format!("on the machine `{}`", nodes::get(at, node).await?.name),
        None => "on the machine with the most room that fits it".to_owned(),
    };
    told.steps.push(format!("`{}` is made from `{}`, version {version}, {on}.", create.name, alt.name));
    match create.allocations.len() {
        0 if create.ports == 0 => told.steps.push("It gets no port of its own.".to_owned()),
        0 => told.steps.push(format!("It gets the {} lowest free ports there.", create.ports)),
        named => told.steps.push(format!("It gets the {named} named ports.")),
    }
    told.steps.push(match create.install {
        true => "Then its template's install script runs there, in a confined step of its own.".to_owned(),
        false => "Nothing is installed until somebody asks for it.".to_owned(),
    });
    Ok(told)
}

async fn template(at: &impl Look, action: &TemplateAction) -> sf_store::Result<Told> {
    let mut told = Told::default();
    match action {
        TemplateAction::CreateCtrl(create) => told.steps.push(format!("A category `{}` is made.", create.name)),
        TemplateAction::UpdateCtrl(update) => {
            let before = ctrls::get(at, update.ctrl).await?.name;
            told.steps.push(format!("The category `{before}` is called `{}`.", update.name));
        }
        TemplateAction::DeleteCtrl(of) => {
            told.losses.push(format!("the category `{}`", ctrls::get(at, of.ctrl).await?.name));
        }
        TemplateAction::CreateAlt(create) => {
            let ctrl = ctrls::get(at, create.ctrl).await?.name;
            // Nothing without a name comes as far as this.
            let name = create.document.get("name").and_then(|name| name.as_str()).unwrap_or_default();
            told.steps.push(format!("The template `{name}` is made in the category `{ctrl}`."));
        }
        TemplateAction::UpdateAlt(update) => {
            let alt = alts::get(at, update.alt).await?;
            told.steps.push(format!("`{}` gets a version {}.", alt.name, alt.version + 1));
            let used = servers::count_of_alt(at, alt.id).await?;
            if used > 0 {
                told.steps.push(format!("{used} servers stay at the version they follow until they are moved."));
            }
        }
        TemplateAction::DeleteAlt(of) => {
            let name = alts::get(at, of.alt).await?.name;
            told.losses.push(format!("the template `{name}` with all its versions"));
        }
    }
    Ok(told)
}

async fn ports(at: &impl Look, action: &AllocationAction) -> sf_store::Result<Told> {
    let mut told = Told::default();
    match action {
        AllocationAction::Create(create) => {
            let node = nodes::get(at, create.node).await?.name;
            let count = create.each_port().map_or(0, |ports| ports.len());
            told.steps.push(format!("`{node}` gets {count} ports at {}; those it has stay.", create.ip));
        }
        AllocationAction::Delete(of) => {
            let one = allocations::get(at, of.allocation).await?;
            told.steps.push(format!("The port {} is given to no server any more.", one.port));
        }
        AllocationAction::Assign(of) => {
            let name = servers::get(at, of.server).await?.name;
            told.steps.push(format!("`{name}` gets one more port, from its next start on."));
        }
        AllocationAction::Unassign(of) => {
            let (one, row) = (allocations::get(at, of.allocation).await?, servers::get(at, of.server).await?);
            told.steps.push(format!("`{}` loses the port {}, from its next start on.", row.name, one.port));
        }
        AllocationAction::Default(of) => {
            let (one, row) = (allocations::get(at, of.allocation).await?, servers::get(at, of.server).await?);
            told.steps.push(format!("`{}` listens on {} first, from its next start on.", row.name, one.port));
        }
    }
    Ok(told)
}

/// What an order would do on its node.
pub(crate) async fn ordered(at: &impl Look, action: &Action, order: &Order, row: &Server) -> sf_store::Result<Told> {
    let name = &row.name;
    let order = match order {
        Order::ServerAction(order) => order,
        Order::FileAction(order) => return Ok(files::told(&order.verb, name.as_str())),
        Order::Schedule(order) => {
            let losses = match action {
                Action::Schedule(ScheduleAction::Delete(gone)) => vec![format!("how the runs of `{}` went", gone.name)],
                _ => Vec::new(),
            };
            return Ok(Told { steps: crate::schedules::steps(order, name.as_str()), losses });
        }
        _ => return Ok(Told::default()),
    };
    let mut told = Told::default();
    let stops = format!("Stop it {}", by(&order.spec.stop));
    match &order.verb {
        ServerVerb::Install { script, wipe } => {
            told.steps.push(format!("Stop `{name}` where it runs"));
            if *wipe {
                told.steps.push("Delete its files".to_owned());
                told.losses.push(format!("all files of `{name}`"));
            }
            told.steps.push(match script {
                Some(_) => "Run its template's install script, confined, with a limit of time and disk".to_owned(),
                None => "Make its folder; its template has no install script".to_owned(),
            });
            if script.is_some() && !wipe && matches!(action, Action::Server(ServerAction::Reinstall(_))) {
                told.losses.push("what the script writes over".to_owned());
            }
        }
        ServerVerb::Configure => told.steps.push(format!("Let `{name}` be started again; it is not started by this")),
        ServerVerb::Start => {
            told.steps.push("Set what its files must say".to_owned());
            told.steps.push(format!("Start `{name}` and wait until it is ready"));
        }
        ServerVerb::Stop if order.spec.suspended => {
            told.steps.push(stops);
            told.steps.push(format!("Keep `{name}` stopped, whoever asks"));
        }
        ServerVerb::Stop => told.steps.push(stops),
        ServerVerb::Restart => {
            told.steps.push(stops);
            told.steps.push("Set what its files must say, start it, and wait until it is ready".to_owned());
        }
        ServerVerb::Kill => {
            told.steps.push(format!("End `{name}` at once"));
            told.losses.push("what it has not saved".to_owned());
        }
        // Quoted, so that nobody takes it for a line of a shell.
        ServerVerb::Command { line } => told.steps.push(format!("Write {line:?} to the standard input of `{name}`")),
        ServerVerb::Delete => {
            told.steps.push(format!("End `{name}` at once"));
            told.steps.push("Delete its files and its console on its machine".to_owned());
            told.steps.push("Delete its rows here".to_owned());
            told.losses = losses(at, row).await?;
        }
    }
    Ok(told)
}

fn by(stop: &Stop) -> String {
    match stop {
        Stop::Command { line, grace } => {
            format!("by the command {line:?}; after {} s by SIGTERM, then SIGKILL", grace.0 / 1000)
        }
        Stop::Signal { signal, grace } => format!("by {signal}; after {} s by SIGTERM, then SIGKILL", grace.0 / 1000),
    }
}

async fn losses(at: &impl Look, row: &Server) -> sf_store::Result<Vec<String>> {
    let mut losses = vec![format!("all files of `{}` and its console", row.name)];
    let own = allocations::of_server(at, row.id).await?;
    if !own.is_empty() {
        let listed: Vec<_> = own.iter().map(|one| one.port.to_string()).collect();
        losses.push(format!("its ports {}; others can have them", listed.join(", ")));
    }
    let standing = schedules::of(at, Whose::Server(row.id)).await?;
    losses.extend(standing.iter().map(|one| format!("its schedule `{}`", one.name)));
    let object = sf_actions::ObjectRef(sf_actions::Object::Server(row.id));
    losses.extend(given_at(grants::count_at(at, object).await?, "it"));
    Ok(losses)
}
