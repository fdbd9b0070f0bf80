//! The handle that edges hold.

use std::future::Future;
use std::sync::Arc;

use sf_bus::Bus;
use sf_identity::AccessKeys;
use sf_runtime::{Clock, OnError, Rng, Tasks};
use sf_store::Store;
use sf_types::{ErrorKind, Fault, InstanceId, Timestamp};
use tokio::sync::oneshot;

use crate::links::Links;
use crate::options::Options;
use crate::queries::node::Questions;
use crate::signer::{Certified, Signer};
use crate::transition::After;
use crate::written::WrittenCommands;

/// The control plane. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Control(pub(crate) Arc<Core>);

/// Everything the parts share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) tasks: Tasks,
    pub(crate) links: Links,
    pub(crate) signer: Signer,
    pub(crate) keys: crate::keys::Keys,
    pub(crate) access: AccessKeys,
    pub(crate) people: crate::sign_in::People,
    pub(crate) mail: crate::mail::Mail,
    pub(crate) notices: crate::notify::Notifier,
    pub(crate) questions: Questions,
    pub(crate) transfers: crate::panel::transfers::Transfers,
    pub(crate) download_links: crate::queries::panel::transfers::DownloadLinks,
    pub(crate) consoles: crate::panel::console::Consoles,
    pub(crate) written: WrittenCommands,
    pub(crate) quota: crate::pipeline::quota::Quota,
    pub(crate) refusals: crate::pipeline::refusals::Refusals,
    pub(crate) waiting: crate::enrolment::Waiting,
    pub(crate) cleaning: crate::receive::clean::Cleaning,
    pub(crate) auditor: crate::audit::Auditor,
    pub(crate) routing: crate::approval::routing::Known,
    pub(crate) workflows: crate::workflow::Workflows,
    pub(crate) timers: crate::due::Alarm,
    pub(crate) started_at: Timestamp,
}

impl Control {
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }

    /// Which control plane this is.
    pub fn instance(&self) -> InstanceId {
        self.0.store.instance()
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The source of randomness.
    pub fn rng(&self) -> &Rng {
        &self.0.rng
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The events of this process.
    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    /// What lasts, for reading rows within an actor's scope.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The online key with its certificate.
    pub fn certified(&self) -> Certified {
        self.0.signer.certified()
    }

    /// Nodes connected to this control plane.
    pub fn connected(&self) -> usize {
        self.0.links.count()
    }

    /// Runs work that must be finished even if whoever asked goes away.
    pub(crate) async fn owned<T, F>(&self, name: &'static str, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        self.0.tasks.spawn(name, OnError::Log, async move {
            drop(answer.send(work.await));
            Ok::<(), Fault>(())
        });
        wait.await.unwrap_or_else(|_| {
            Err(Fault::new(ErrorKind::Unavailable, "control.stopping", "The control plane is stopping.")
                .fix("Look at the run after it has started again."))
        })
    }

    /// Sends what a transaction signed. What cannot be sent now is sent when its node is back.
    pub(crate) fn deliver(&self, after: After) {
        if let Some(due) = after.armed {
            self.0.timers.set(due);
        }
        if after.posted {
            self.0.mail.posted();
        }
        if after.noticed {
            self.0.notices.raised();
        }
        for delivery in after.deliveries {
            self.0.links.command(delivery.node, delivery.command);
        }
        for (node, fault) in after.cut {
            self.0.links.close(node, fault);
        }
        for (code, node) in after.admitted {
            self.0.waiting.tell(code, Ok(node));
        }
        for node in after.learning {
            self.learn(node);
        }
        for message in after.workflows {
            self.0.workflows.send(message);
        }
        if after.rules {
            self.0.routing.forget();
        }
        if after.triggers {
            self.0.workflows.triggers_changed.notify_one();
        }
    }
}

impl Core {
    pub(crate) fn delegation_id(&self) -> uuid::Uuid {
        self.keys.delegation_id()
    }
}
