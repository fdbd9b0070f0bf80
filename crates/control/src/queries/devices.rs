//! Machines that wait for a person, and are refused.

use sf_actions::{Actor, ActorKind, Permission};
use sf_store::audit::Entry;
use sf_store::devices;
use sf_types::{DeviceCodeId, ErrorKind, Fault, RequestId};

use crate::approval::decide::not_a_person;
use crate::control::Control;

impl Control {
    /// One machine that waits.
    ///
    /// # Errors
    /// No right, or nobody waits under this id any more.
    pub async fn pending_device(&self, actor: &Actor, id: DeviceCodeId) -> Result<devices::DeviceCode, Fault> {
        let found = devices::get(&self.view_team(actor, Permission::NodeCreate)?, id).await?;
        let waits = found.state == devices::DeviceState::Pending && found.expires_at > self.now();
        Some(found).filter(|_| waits).ok_or_else(|| crate::subject::missing("machine", id))
    }

    /// Refuses a waiting machine; its connection is told at once.
    ///
    /// # Errors
    /// No right, nobody waits under this id any more, or it cannot be recorded.
    pub async fn deny_device(&self, actor: &Actor, request: RequestId, id: DeviceCodeId) -> Result<(), Fault> {
        self.view_team(actor, Permission::NodeCreate)?;
        actor.kind.person().ok_or_else(|| not_a_person("Ask a person who may let machines in."))?;
        let line = refusal(actor, request, id);
        let deny = self.core().store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                devices::deny(tx, id).await?;
                tx.audit(line);
                Ok(())
            })
        });
        deny.await?;
        let fault = Fault::new(ErrorKind::Forbidden, "enrol.denied", "A person refused this machine.");
        self.core().waiting.tell(id, Err(fault.fix("Ask them, then enrol again.")));
        Ok(())
    }
}

fn refusal(actor: &Actor, request: RequestId, id: DeviceCodeId) -> Entry {
    let kind = match actor.kind {
        ActorKind::Person { .. } => "person",
        ActorKind::Token { .. } => "token",
        ActorKind::Ai { .. } => "ai",
        ActorKind::Workflow { .. } => "workflow",
        ActorKind::Trigger { .. } => "trigger",
        ActorKind::System => "system",
    };
    Entry {
        tenant: Some(actor.tenant),
        project: None,
        actor_kind: kind.to_owned(),
        actor_ref: actor.user().map(|user| user.to_string()).unwrap_or_default(),
        action: "node.deny".to_owned(),
        target_kind: "device".to_owned(),
        target_id: id.to_string(),
        run: None,
        request: Some(request),
        outcome: "succeeded".to_owned(),
        fields: Vec::new(),
        personal: Vec::new(),
    }
}
