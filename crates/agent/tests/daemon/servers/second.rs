//! The control plane's side of second connections.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use sf_protocol::Command;
use sf_protocol::handshake::Nonce;
use sf_protocol::server::TransferEnd;
use sf_types::{CommandId, RunId};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::plane::{LIMIT, Plane, State, Ws, hear};

impl Plane {
    /// The second connection that the node has dialled for a ticket.
    pub async fn second(&self, ticket: Nonce) -> Second {
        let found = self.until("a second connection", |state| {
            let at = state.seconds.iter().position(|(known, _)| *known == ticket)?;
            Some(state.seconds.swap_remove(at).1)
        });
        Second(found.await)
    }

    /// The run that an order was given for.
    pub fn run_of(&self, id: CommandId) -> RunId {
        let found = |state: &mut State| {
            let (_, _, signed) = state.commands.iter().find(|(known, _, _)| *known == id).unwrap().clone();
            sf_protocol::wire::parse::<Command>(&signed.payload).unwrap().authz.run.unwrap()
        };
        self.state(found)
    }
}

/// A second connection: bytes.
pub struct Second(Ws);

impl Second {
    pub async fn put(&mut self, bytes: impl Into<Bytes>) -> Result<(), Error> {
        self.0.send(Message::Binary(bytes.into())).await
    }

    /// The next bytes, none at the end of all; `None` where the connection ends without.
    pub async fn bytes(&mut self) -> Option<Bytes> {
        loop {
            match tokio::time::timeout(LIMIT, self.0.next()).await.expect("bytes come")?.ok()? {
                Message::Binary(bytes) => return Some(bytes),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// The node's last word.
    pub async fn end(&mut self) -> TransferEnd {
        let text = tokio::time::timeout(LIMIT, hear(&mut self.0)).await.expect("it says so").expect("a last word");
        sf_protocol::wire::parse(text.as_bytes()).expect("a last word")
    }
}
