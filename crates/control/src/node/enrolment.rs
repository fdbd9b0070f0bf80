//! How a machine becomes a node here: tokens made and consumed, device codes shown and admitted.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sf_protocol::enrol::{Candidate, EnrolError, EnrolToken, NewNode, TokenRecord, TokenVerifier, UserCode};
use sf_protocol::handshake::BindingKind;
use sf_runtime::places::network;
use sf_runtime::{OnError, Place, Places};
use sf_store::Json;
use sf_store::{Look, StoreError, Tx, devices, enrol, nodes, tenants};
use sf_types::{DeviceCodeId, EnrolTokenId, ErrorKind, Fault, Name, NodeId, Scope, TenantId, Timestamp, UserId};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::control::{Control, Core};
use crate::events;
use crate::proposal::Invitation;
use crate::transition::After;

/// How long an enrolment token is good for: 15 min.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How long a device code is good for: 10 min.
pub const CODE_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Join counter of a new node.
const FIRST_COUNTER: u64 = 1;
/// Machines of one address that may wait for a person at one time: one address cannot keep all others out.
pub const MAX_WAITING_PER_ADDRESS: usize = 20;
/// Code of the fault when nobody waits with a typed code.
pub(crate) const UNKNOWN_CODE: &str = "enrol.code_unknown";

type Decision = Result<NodeId, Fault>;

/// Machines whose connections wait for a person's decision.
#[derive(Debug)]
pub(crate) struct Waiting {
    told: Mutex<HashMap<DeviceCodeId, oneshot::Sender<Decision>>>,
    places: Places<IpAddr>,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { told: Mutex::default(), places: Places::new(MAX_WAITING_PER_ADDRESS) }
    }
}

impl Waiting {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<DeviceCodeId, oneshot::Sender<Decision>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the connection that waits, if it is still there.
    pub(crate) fn tell(&self, code: DeviceCodeId, decided: Decision) {
        if let Some(waiting) = self.lock().remove(&code) {
            drop(waiting.send(decided));
        }
    }
}

/// A machine's wait for a person.
#[derive(Debug)]
pub struct Admission {
    control: Control,
    id: DeviceCodeId,
    code: UserCode,
    expires_at: Timestamp,
    decided: oneshot::Receiver<Decision>,
    decision: Option<Decision>,
    _place: Place<IpAddr>,
}

impl Admission {
    /// What the machine shows.
    pub fn code(&self) -> UserCode {
        self.code
    }

    /// Until when.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Waits for the decision. Safe to drop and call again.
    ///
    /// # Errors
    /// The person refused, or nobody decided in time.
    pub async fn decided(&mut self) -> Result<NewNode, Fault> {
        // Kept, since the caller may be interrupted between the decision and the reading of the new node's row.
        let decision = match &self.decision {
            Some(decision) => decision.clone(),
            None => {
                let left = self.expires_at.since(self.control.now());
                let decided = tokio::time::timeout(left, &mut self.decided).await;
                let late = Fault::new(ErrorKind::Timeout, "enrol.code_expired", "Nobody approved the code in time.")
                    .fix("Enrol again and approve the new code within 10 minutes.");
                self.decision.insert(decided.ok().and_then(Result::ok).unwrap_or(Err(late))).clone()
            }
        };
        self.control.new_node(decision?).await
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let (core, id) = (self.control.core(), self.id);
        core.waiting.lock().remove(&id);
        if self.decision.is_some() {
            return;
        }
        // Its code stands for a connection that is no more: nobody should be asked to approve it.
        let store = core.store.clone();
        core.tasks.spawn("withdraw device code", OnError::Log, async move {
            store.write(Scope::System, move |tx| Box::pin(async move { devices::withdraw(tx, id).await })).await
        });
    }
}

/// Makes a one-time token. Only what verifies it is stored.
pub(crate) async fn invite(
    tx: &mut Tx,
    core: &Core,
    tenant: TenantId,
    by: Option<UserId>,
    name: Option<Name>,
) -> sf_store::Result<Invitation> {
    let id: EnrolTokenId = tx.new_id();
    let token = EnrolToken::new(id, core.rng.bytes());
    let expires_at = tx.now().plus(TOKEN_LIFETIME);
    let row = enrol::EnrolToken {
        id,
        tenant,
        verifier: *token.verifier().bytes(),
        name: name.map(String::from),
        created_by: by,
        created_at: tx.now(),
        expires_at,
        used_at: None,
        node: None,
    };
    enrol::create(tx, &row).await?;
    Ok(Invitation { token: token.reveal().expose().clone(), expires_at, root: core.keys.root_id() })
}

/// The machine that shows `code` and waits for a person.
pub(crate) async fn waiting(at: &impl Look, code: &str) -> sf_store::Result<devices::DeviceCode> {
    let typed = UserCode::typed(code)
        .map_err(|error| Fault::new(ErrorKind::Invalid, "enrol.code_malformed", format!("{error}.")))?;
    devices::by_code(at, &code_hash(typed)).await?.ok_or_else(|| {
        StoreError::from(
            Fault::new(ErrorKind::NotFound, UNKNOWN_CODE, "No machine is waiting with this code.")
                .fix("Compare it with the machine's screen; codes are good for 10 minutes."),
        )
    })
}

/// A person admits the machine that shows `code`.
pub(crate) async fn admit(
    tx: &mut Tx,
    core: &Arc<Core>,
    tenant: TenantId,
    code: &str,
    name: Option<Name>,
    after: &mut After,
) -> sf_store::Result<NodeId> {
    let device = waiting(tx, code).await?;
    let new = nodes::NewNode {
        tenant,
        name: name.map_or_else(|| node_name(&device.host), |name| name.to_string()),
        public_key: device.public_key,
        facts: device.facts.0,
        epoch: core.signer.epoch(),
        join_counter: FIRST_COUNTER,
        binding: BindingKind::Exporter.word().to_owned(),
    };
    let node = nodes::create(tx, new).await?;
    devices::approve(tx, device.id, tenant, node.id, &node.name).await?;
    after.admitted.push((device.id, node.id));
    Ok(node.id)
}

/// A token that was good when its proof was checked is not any more: another use of it was faster.
fn spent(error: StoreError) -> StoreError {
    match error {
        StoreError::Stale(_) => StoreError::from(EnrolError::Used.fault()),
        other => other,
    }
}

/// Only a hash of a code is stored.
fn code_hash(code: UserCode) -> [u8; 32] {
    Sha256::digest(code.to_string().as_bytes()).into()
}

/// A name for a machine that was given none.
fn node_name(host: &str) -> String {
    let host: String = host.chars().filter(|c| !sf_types::text::is_deceptive(*c)).take(Name::MAX).collect();
    if host.trim().is_empty() { "node".to_owned() } else { host }
}

impl Control {
    /// What the store has of an enrolment token.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn enrolment_token(&self, id: EnrolTokenId) -> Result<Option<TokenRecord>, Fault> {
        let reader = self.core().store.read(Scope::System);
        match enrol::get(&reader, id).await {
            Ok(row) => Ok(Some(TokenRecord {
                id,
                verifier: TokenVerifier::from_bytes(row.verifier),
                expires_at: row.expires_at,
                used: row.used_at.is_some(),
            })),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the node of a proven machine and consumes its token, in one transaction: of any number of racing uses
    /// exactly one makes a node.
    ///
    /// # Errors
    /// A fault when the token was used meanwhile, or the node cannot be recorded.
    pub async fn enrol(&self, candidate: &Candidate, token: EnrolTokenId) -> Result<NewNode, Fault> {
        let core = self.core().clone();
        let (key, facts, binding) = (*candidate.key(), candidate.facts().clone(), candidate.binding());
        let epoch = core.signer.epoch();
        let node = core
            .store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let consumed = enrol::consume(tx, token).await.map_err(spent)?;
                    let tenant = consumed.tenant;
                    let new = nodes::NewNode {
                        tenant,
                        name: consumed.name.unwrap_or_else(|| node_name(&facts.host)),
                        public_key: key,
                        facts,
                        epoch,
                        join_counter: FIRST_COUNTER,
                        binding: binding.word().to_owned(),
                    };
                    let id = nodes::create(tx, new).await?.id;
                    enrol::made(tx, token, id).await?;
                    tx.audit(events::node_audit(tenant, id, "node.enrol", "succeeded"));
                    tx.publish(events::node_changed(tenant, id, "joined"));
                    Ok(id)
                })
            })
            .await?;
        self.new_node(node).await
    }

    /// Records a machine that waits for a person, and the code it shows.
    ///
    /// # Errors
    /// When too many wait, in all or of this address, or it cannot be recorded.
    pub async fn ask_admission(&self, candidate: &Candidate, from: SocketAddr) -> Result<Admission, Fault> {
        let core = self.core().clone();
        let place = core.waiting.places.take(network(from.ip())).ok_or_else(|| {
            let message = "Too many machines of this address wait for approval.";
            let fault = Fault::new(ErrorKind::RateLimited, "enrol.too_many", message);
            fault.fix("Approve or deny the waiting ones first.")
        })?;
        let code = UserCode::from_random(core.rng.bytes());
        let id: DeviceCodeId = core.rng.id(&core.clock);
        let expires_at = core.clock.now().plus(CODE_LIFETIME);
        let row = devices::DeviceCode {
            id,
            code_hash: code_hash(code),
            public_key: *candidate.key(),
            host: candidate.facts().host.clone(),
            address: from.ip().to_string(),
            facts: Json(candidate.facts().clone()),
            key_words: candidate.key().id().words(),
            created_at: core.clock.now(),
            expires_at,
            attempts: 0,
            state: devices::DeviceState::Pending,
            tenant: None,
            node: None,
            name: None,
        };
        core.store.write(Scope::System, move |tx| Box::pin(async move { devices::create(tx, &row).await })).await?;
        let (sender, decided) = oneshot::channel();
        core.waiting.lock().insert(id, sender);
        Ok(Admission { control: self.clone(), id, code, expires_at, decided, decision: None, _place: place })
    }

    /// Counts a guess that was wrong.
    pub(crate) async fn guessed_code(&self) -> Result<(), Fault> {
        let store = &self.core().store;
        Ok(store.write(Scope::System, |tx| Box::pin(async move { devices::guessed(tx).await })).await?)
    }

    async fn new_node(&self, node: NodeId) -> Result<NewNode, Fault> {
        let core = self.core();
        let reader = core.store.read(Scope::System);
        let row = nodes::get(&reader, node).await?;
        let tenant = tenants::get(&reader, row.tenant).await?.name;
        let shown = |text: String| text.parse().unwrap_or_else(|_| "node".parse::<Name>().expect("a plain word"));
        let (tenant_name, node_name) = (shown(tenant), shown(row.name));
        Ok(NewNode { node, counter: row.join_confirmed, epoch: core.signer.epoch(), tenant_name, node_name })
    }
}
