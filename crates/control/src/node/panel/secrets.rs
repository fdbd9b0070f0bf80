//! Secrets of servers: named in their settings, opened in the transaction that signs an order, and sealed to the node at once.

use std::collections::BTreeMap;

use sf_actions::Environment;
use sf_actions::server::ServerSettings;
use sf_protocol::app::SecretVar;
use sf_protocol::sealed::{Place, Sealed};
use sf_protocol::server::ServerSpec;
use sf_store::secrets::SecretRow;
use sf_store::servers::Server;
use sf_store::{Look, Tx, nodes, secrets};
use sf_types::{Fault, ProjectId, Secret, SecretName};

use crate::control::Core;
use crate::pipeline::secrets as values;

/// What a server runs for: it has no previews.
const RUNS_FOR: Environment = Environment::Production;

/// A secret that a server of the project may be given.
async fn find(at: &impl Look, project: ProjectId, name: &SecretName) -> sf_store::Result<Result<SecretRow, Fault>> {
    Ok(match secrets::by_name(at, project, name).await? {
        Some(row) if row.environment.covers(RUNS_FOR) => Ok(row),
        Some(row) => Err(values::elsewhere(&row, RUNS_FOR)),
        None => Err(values::missing(name)),
    })
}

/// Refuses settings that name secrets which the project does not have for servers.
pub(super) async fn known(at: &impl Look, project: ProjectId, settings: &ServerSettings) -> sf_store::Result<()> {
    for name in settings.secrets.values() {
        find(at, project, name).await??;
    }
    Ok(())
}

/// The newest versions of a server's secrets, sealed to its node.
pub(super) async fn sealed(
    tx: &Tx,
    core: &Core,
    server: &Server,
    wanted: &[(String, SecretName)],
) -> sf_store::Result<Result<Vec<SecretVar>, Fault>> {
    if wanted.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let (key, app) = (nodes::get(tx, server.node).await?.public_key, ServerSpec::sealed_for(server.id));
    let mut opened: BTreeMap<&SecretName, (SecretRow, Secret<Vec<u8>>)> = BTreeMap::new();
    let mut sealed = Vec::with_capacity(wanted.len());
    for (variable, name) in wanted {
        if !opened.contains_key(name) {
            let row = match find(tx, server.project, name).await? {
                Ok(row) => row,
                Err(fault) => return Ok(Err(fault)),
            };
            match values::value(tx, core, &row).await? {
                Ok(value) => opened.insert(name, (row, value)),
                Err(fault) => return Ok(Err(fault)),
            };
        }
        let (row, value) = &opened[name];
        let place = Place { app, name: variable, secret: row.id, version: row.version };
        let value = Sealed::seal(&key, &place, value.expose(), &Secret::new(core.rng.bytes()));
        sealed.push(SecretVar { name: variable.clone(), secret: row.id, version: row.version, sealed: value });
    }
    Ok(Ok(sealed))
}

/// Which secrets a start would bring, for people.
pub(crate) async fn told(at: &impl Look, server: &Server) -> sf_store::Result<Vec<String>> {
    let mut told = Vec::new();
    for (variable, name) in &server.settings.0.secrets {
        let row = find(at, server.project, name).await??;
        told.push(format!("{variable} is the secret `{name}`, version {}", row.version));
    }
    Ok(told)
}
