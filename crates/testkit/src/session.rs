//! A simulated node's connection as a task: it obeys its script until it is cut or closed.

use sf_protocol::accept::is_order;
use sf_protocol::handshake::Open;
use sf_protocol::order::Order;
use sf_protocol::outcome::Step;
use sf_protocol::report::StepState;
use sf_protocol::{Command, Frame, Verdict};
use sf_runtime::{OnError, Tasks};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::node::{SimNode, Taken};
use crate::script::Script;
use crate::wire::{Dial, Wire, WireError};

/// A running connection.
#[derive(Debug)]
pub struct Session {
    cut: CancellationToken,
    ended: oneshot::Receiver<WireError>,
}

impl Session {
    /// Cuts the connection without a word and waits until it is down.
    pub async fn cut(self) {
        self.cut.cancel();
        drop(self.ended.await);
    }

    /// Waits until the control plane ends it, and answers why.
    pub async fn ended(self) -> WireError {
        self.ended.await.unwrap_or(WireError::Gone)
    }
}

impl SimNode {
    /// Connects and obeys as a task of `tasks`.
    ///
    /// # Errors
    /// [`WireError`] when the connection does not open.
    pub async fn serve(&self, tasks: &Tasks, dial: &Dial, script: Script) -> Result<Session, WireError> {
        let (wire, open) = self.connect(dial).await?;
        let (done, ended) = oneshot::channel();
        let cut = CancellationToken::new();
        let (node, token) = (self.clone(), cut.clone());
        tasks.spawn("simulated node", OnError::Log, async move {
            let end = tokio::select! {
                () = token.cancelled() => WireError::Gone,
                end = node.obey(wire, &open, script) => end,
            };
            drop(done.send(end));
            Ok::<(), WireError>(())
        });
        Ok(Session { cut, ended })
    }

    /// Obeys until the connection ends; says why it did.
    pub async fn obey(&self, mut wire: Wire, open: &Open, script: Script) -> WireError {
        loop {
            if let Err(error) = self.talk(&mut wire, open, script).await {
                return error;
            }
        }
    }

    async fn talk(&self, wire: &mut Wire, open: &Open, script: Script) -> Result<(), WireError> {
        for frame in self.unconfirmed() {
            wire.say(&frame).await?;
        }
        loop {
            match wire.hear_any().await? {
                // It keeps the head for as long as nobody looks.
                frame @ Frame::Witness(_) => wire.say(&frame).await?,
                Frame::Stored(stored) => self.confirmed(&stored.results),
                frame => {
                    let Some((kind, signed)) = frame.signed().filter(|(kind, _)| is_order(*kind)) else { continue };
                    match self.take(open, kind, signed).await {
                        Taken::New(command) => self.perform(wire, &command, script).await?,
                        Taken::Again(None) => {}
                        Taken::Again(Some(frame)) | Taken::Refused(frame) => wire.say(&frame).await?,
                    }
                }
            }
        }
    }

    async fn perform(&self, wire: &mut Wire, command: &Command, script: Script) -> Result<(), WireError> {
        let mut words = vec![self.promise(command)];
        let verdict = match &command.order {
            Order::Void(_) => Verdict::Voided,
            Order::Query(query) => return wire.say(&self.answer(command, query)).await,
            _ => script.verdict(),
        };
        let waits = matches!(command.order, Order::Deploy(_) | Order::AppAction(_));
        if script == Script::Silent || script == Script::UntilStopped && waits {
            return wire.say(&words[0]).await;
        }
        if let (Script::UntilStopped, Order::Cancel(cancel)) = (script, &command.order) {
            wire.say(&words[0]).await?;
            if let Some(word) = self.stopped(cancel.command).await {
                wire.say(&word).await?;
            }
            return wire.say(&self.result(command, Verdict::Succeeded).await).await;
        }
        if matches!(command.order, Order::Deploy(_)) && script != Script::Quick {
            for step in [Step::Fetch, Step::Build, Step::Start, Step::Health, Step::Switch, Step::Watch] {
                words.push(self.step(command, step, StepState::Done));
            }
        }
        words.push(self.result(command, verdict).await);
        match script {
            Script::Reorder => words.reverse(),
            Script::Duplicate => words = words.iter().flat_map(|word| [word.clone(), word.clone()]).collect(),
            _ => {}
        }
        for word in &words {
            wire.say(word).await?;
        }
        Ok(())
    }
}
