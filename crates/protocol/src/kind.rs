//! The closed list of messages, their names on the wire and the labels their signatures cover.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $wire:literal, $label:literal;)*) => {
        /// Every message between control plane and agent. The outer `type` of a frame; for signed messages it must
        /// equal the label under the signature.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name on the wire.
            pub const fn wire(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// The DSSE payload type: what the signature says the bytes are. The version is part of it.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => concat!("application/vnd.serverflow.", $label, "+json"),)* }
            }
        }
    };
}

kinds! {
    // To the agent.
    /// The control plane proves itself.
    Challenge = "CHALLENGE", "challenge.v1";
    /// The connection is open.
    Authorized = "AUTHORIZED", "authorized.v1";
    /// The node exists now.
    Registered = "REGISTERED", "registered.v1";
    /// Enrolment needs a person: show this code.
    Pending = "PENDING", "pending.v1";
    /// Put a release of an app live.
    Deploy = "DEPLOY", "deploy.v1";
    /// Start, stop, restart or delete an app, or report on it.
    AppAction = "APP_ACTION", "app-action.v1";
    /// Serve a domain.
    ProvisionDomain = "PROVISION_DOMAIN", "provision-domain.v1";
    /// Serve a domain no more.
    DeleteProxy = "DELETE_PROXY", "delete-proxy.v1";
    /// Change one file of an app.
    Patch = "PATCH", "patch.v1";
    /// Start, stop, restart or reload a service of the machine.
    ServiceAction = "SERVICE_ACTION", "service-action.v1";
    /// Have a command run by the clock, or no more, or now.
    Schedule = "SCHEDULE", "schedule.v1";
    /// Make, steer or remove a panel server.
    ServerAction = "SERVER_ACTION", "server-action.v1";
    /// Change files of a panel server.
    FileAction = "FILE_ACTION", "file-action.v1";
    /// A read that the node must answer.
    Query = "QUERY", "query.v1";
    /// Stop working on an earlier command.
    Cancel = "CANCEL", "cancel.v1";
    /// Fills a sequence number whose command will never come.
    Void = "VOID", "void.v1";
    /// What should be true on the node, for resync.
    DesiredState = "DESIRED_STATE", "desired-state.v1";
    /// Something the agent sent is stored; it may forget it.
    Stored = "STORED", "stored.v1";
    /// The connection ends, and why.
    Closing = "CLOSING", "closing.v1";
    // Both ways.
    /// The signed head of an audit chain; the agent keeps it and answers with the newest it holds.
    Witness = "WITNESS", "witness.v1";
    // From the agent.
    /// First word of a known node.
    Connect = "CONNECT", "connect.v1";
    /// First word of a new node.
    Register = "REGISTER", "register.v1";
    /// The node proves itself.
    Response = "RESPONSE", "response.v1";
    /// A command is in the journal.
    Ack = "ACK", "ack.v1";
    /// A step of a command, or a change of an app.
    StatusUpdate = "STATUS_UPDATE", "status-update.v1";
    /// Lines of a log.
    LogStream = "LOG_STREAM", "log-stream.v1";
    /// What a watched server says, as it says it.
    ConsoleOutput = "CONSOLE_OUTPUT", "console-output.v1";
    /// Ports an app listens on.
    DetectedPorts = "DETECTED_PORTS", "detected-ports.v1";
    /// Metrics of the node and its apps.
    SystemLog = "SYSTEM_LOG", "system-log.v1";
    /// The outcome of a command.
    Result = "RESULT", "result.v1";
    /// The answer to a query.
    Answer = "ANSWER", "answer.v1";
    // Certificates; never a frame of their own.
    /// The root certifies an online key.
    Delegation = "DELEGATION", "delegation.v1";
}

impl Kind {
    /// Whether it is an order whose bytes say what an app, a domain, a schedule or a server shall be: whoever hears how it
    /// ended needs them. Each kind says so for itself, so that a new one cannot be forgotten.
    pub const fn describes_its_object(self) -> bool {
        match self {
            Self::Deploy
            | Self::AppAction
            | Self::ProvisionDomain
            | Self::DeleteProxy
            | Self::Patch
            | Self::Schedule
            | Self::ServerAction => true,
            // Orders that leave what they are about as it is described.
            Self::ServiceAction | Self::FileAction | Self::Cancel | Self::Void | Self::DesiredState => false,
            // No orders.
            Self::Challenge
            | Self::Authorized
            | Self::Registered
            | Self::Pending
            | Self::Query
            | Self::Stored
            | Self::Closing
            | Self::Witness
            | Self::Connect
            | Self::Register
            | Self::Response
            | Self::Ack
            | Self::StatusUpdate
            | Self::LogStream
            | Self::ConsoleOutput
            | Self::DetectedPorts
            | Self::SystemLog
            | Self::Result
            | Self::Answer
            | Self::Delegation => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_labels_are_unique_and_names_are_what_serde_writes() {
        let labels: HashSet<_> = Kind::ALL.iter().map(|kind| kind.label()).collect();
        assert_eq!(labels.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{}\"", kind.wire()));
        }
    }
}
