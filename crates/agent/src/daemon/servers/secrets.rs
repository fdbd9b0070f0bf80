//! Secrets of servers: opened for a start alone, and taken out of whatever is written down or said of a server.

use sf_protocol::server::ServerSpec;
use sf_runtime::redact::Redactor;
use sf_types::{ErrorKind, Fault, ServerId};

use super::launch::is_ours;
use super::report::hold;
use crate::execute::Node;
use crate::shim::values::{self, Values};

/// A secret was sealed to another node, or for another server or variable.
pub(super) fn sealed_elsewhere(name: &str) -> Fault {
    let message = format!("The secret in the variable {name} cannot be opened on this node.");
    Fault::new(ErrorKind::Conflict, "server.secret", message)
        .fix("Start it from the dashboard, which brings its secrets anew.")
}

impl Node {
    /// The values of a server's secrets, for what is started or installed now.
    ///
    /// # Errors
    /// `server.secret` names the variable that this node cannot open.
    pub(super) fn server_values(&self, spec: &ServerSpec) -> Result<Values, Fault> {
        let opened =
            values::open(hold(spec.server).0, &spec.secrets, &self.key).map_err(|name| sealed_elsewhere(&name))?;
        Ok(opened.into_iter().filter(|(name, _)| !is_ours(name)).collect())
    }

    /// Keeps a server's secrets out of what is told from now on; what it had before may still be in what it says.
    pub(super) fn know_secrets_of(&self, server: ServerId, spec: &ServerSpec, before: Option<&ServerSpec>) {
        let known = [Some(spec), before].into_iter().flatten().flat_map(|spec| self.opened(spec)).collect();
        self.outbox.secrets(hold(server).0, known);
    }

    /// Nothing is left of the server.
    pub(super) fn forget_secrets_of(&self, server: ServerId) {
        self.outbox.secrets(hold(server).0, Vec::new());
    }

    /// What takes a server's secrets out of its console; `None` where it has none.
    pub(super) fn server_redactor(&self, server: ServerId) -> Option<Redactor> {
        let known = self.opened(&self.servers.get(server)?.spec);
        (!known.is_empty()).then(|| Redactor::of_known(known.iter().map(String::as_str)))
    }

    /// The values of those that open.
    fn opened(&self, spec: &ServerSpec) -> Vec<String> {
        let app = hold(spec.server).0;
        let opened = spec.secrets.iter().filter_map(|var| var.open(app, &self.key).ok());
        opened.map(|value| value.expose().clone()).collect()
    }
}
