//! Signed requests that start workflows. The signature is the credential: whoever cannot show it learns nothing, not
//! even whether the address is one.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use sf_actions::Actor;
use sf_engine::workflow::webhook::{Scheme, Verifier};
use sf_store::workflows::{self, Firing, Trigger};
use sf_store::{Json, StoreError, idempotency, secrets};
use sf_types::{ErrorKind, Fault, RunId, Scope, Secret, SecretName, TriggerId, TypedId};

use super::triggers::{Armed, passes, refused};
use crate::control::Control;
use crate::key;
use crate::pipeline::secrets as sealed;
use crate::proposal::Proposed;

/// How long the value before the newest is still taken, so that its sender can be given the new one: 24 h.
pub const ROTATION: Duration = Duration::from_secs(24 * 3600);

/// What the stand-in for a secret is sealed for: opening one takes as long.
const NOBODY: &str = "webhook of nobody";

/// Headers that expressions see; the one with the signature or the secret is never among them.
const SHOWN: [&str; 9] = [
    "content-type",
    "user-agent",
    "webhook-id",
    "x-event-key",
    "x-gitea-event",
    "x-github-delivery",
    "x-github-event",
    "x-gitlab-event",
    "x-gitlab-event-uuid",
];

/// A request as it came.
#[derive(Debug)]
pub struct Delivered {
    /// Its headers by their lower-case names, without those that it has twice.
    pub headers: HashMap<String, String>,
    /// Its body, before any parsing.
    pub body: Vec<u8>,
}

/// The one answer to whoever is not the sender.
pub fn unknown() -> Fault {
    let message = "There is no webhook here, or this request is not signed as it wants it.";
    let fix = "Compare address, scheme and secret with the trigger's; its workflow says whether its triggers are on.";
    Fault::new(ErrorKind::NotFound, "hook.not_found", message).fix(fix)
}

impl Control {
    /// Starts the workflow of a webhook; the same delivery again answers the same run.
    ///
    /// # Errors
    /// [`unknown`] for everybody but the sender; why it was refused for the sender, and kept with the trigger.
    pub async fn delivered(&self, id: TriggerId, request: Delivered) -> Result<RunId, Fault> {
        let armed = self.armed_hook(id).await?;
        let (verifier, fault) = match self.verifier(armed.as_ref()).await {
            Ok(verifier) => (verifier, None),
            Err(fault) if passes(&fault) => return Err(fault),
            Err(fault) => (self.stand_in(), Some(fault)),
        };
        // Whoever asks, and wherever: one verifier has gone over all of the request before it is refused.
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        let verified = verifier.verify(header, &request.body, self.now());
        let Some(armed) = armed else { return Err(unknown()) };
        if let Some(fault) = fault {
            self.note_refused(&armed.trigger, fault).await?;
            return Err(unknown());
        }
        let verified = verified.map_err(|why| {
            // Never what was sent.
            tracing::debug!(trigger = %id, %why, "a request to a webhook was refused");
            unknown()
        })?;
        let started = async {
            let actor = self.owner_of(&armed).await?;
            self.deliver_once(&armed, &actor, data(&armed, &request), verified.delivery.as_deref()).await
        };
        match started.await {
            Ok(Proposed::Done(run, _) | Proposed::Open(run)) => Ok(run.id),
            Ok(Proposed::Plan(_)) => Err(unknown()),
            Err(fault) => {
                if !passes(&fault) && fault.code != key::CLAIMED {
                    self.note_refused(&armed.trigger, fault.clone()).await?;
                }
                Err(fault)
            }
        }
    }

    /// A webhook that is switched on.
    async fn armed_hook(&self, id: TriggerId) -> Result<Option<Armed>, Fault> {
        let reader = self.core().store.read(Scope::System);
        let trigger = match workflows::trigger(&reader, id).await {
            Err(StoreError::NotFound(_)) => {
                // The same looks as for one that is there.
                nowhere(workflows::get(&reader, self.new_id()).await)?;
                return Ok(None);
            }
            found => found?,
        };
        match self.armed(trigger).await {
            Ok(armed) => Ok(Some(armed).filter(|armed| armed.workflow.enabled && armed.signed().is_some())),
            Err(fault) if passes(&fault) => Err(fault),
            Err(_) => Ok(None),
        }
    }

    /// By the newest value of its secret; and by the one before, for as long as a rotation takes. Where nobody listens
    /// the same is looked for: how long an answer takes must not tell where a webhook is.
    async fn verifier(&self, armed: Option<&Armed>) -> Result<Verifier, Fault> {
        let (scope, project, secret) = match armed.and_then(|armed| Some((armed, armed.signed()?))) {
            Some((Armed { trigger, .. }, webhook)) => {
                (Scope::Tenant(trigger.tenant), trigger.project, webhook.secret.as_str())
            }
            None => (Scope::System, self.new_id(), "nobody"),
        };
        let (core, reader) = (self.core(), self.core().store.read(scope));
        let name: SecretName = secret.parse().map_err(|_| unknown())?;
        let row = secrets::by_name(&reader, project, &name).await?;
        let (id, newest) = row.as_ref().map_or_else(|| (self.new_id(), 1), |row| (row.id, row.version));
        let kept = secrets::last_two(&reader, id, newest).await?;
        let Some(webhook) = armed.and_then(Armed::signed) else { return Ok(self.stand_in()) };
        let scheme = webhook.scheme().map_err(|why| {
            let fault = Fault::new(ErrorKind::Invalid, "trigger.scheme", format!("The webhook is refused: {why}."));
            fault.fix("Save the workflow with another one.")
        })?;
        let row = row.ok_or_else(|| sealed::missing(&name))?;
        let newest = kept.first().filter(|newest| newest.version == row.version);
        let newest = sealed::opened(core, &row, row.version, newest.map(|newest| newest.sealed.as_slice()))?;
        let mut values = vec![text(&newest)?];
        if let [newest, before] = kept.as_slice()
            && self.now().since(newest.made_at) <= ROTATION
        {
            // One that does not open or fit any more is no reason to refuse what the newest has signed.
            let before =
                sealed::opened(core, &row, before.version, Some(&before.sealed)).and_then(|value| text(&value));
            values.extend(before.ok().filter(|value| fits(&scheme, value)));
        }
        Verifier::new(scheme, &values).map_err(|why| why.fault())
    }

    /// A verifier that takes nothing, made with as much work as another: a secret is sealed in place of one opened.
    pub(crate) fn stand_in(&self) -> Verifier {
        let (core, random) = (self.core(), self.core().rng.bytes::<32>());
        drop(core.keys.master.seal(NOBODY, "", &random, &core.rng));
        Verifier::of_nobody(random)
    }

    fn new_id<I: TypedId>(&self) -> I {
        self.core().rng.id(&self.core().clock)
    }

    /// Proposes under the delivery's key, where its sender gives it an id.
    async fn deliver_once(
        &self,
        armed: &Armed,
        actor: &Actor,
        data: Value,
        delivery: Option<&str>,
    ) -> Result<Proposed, Fault> {
        let firing = Firing { at: Some(self.now()), ..Firing::default() };
        let Some(delivery) = delivery else { return self.start_by(armed, actor, data, None, firing).await };
        let key = format!("hook:{}:{delivery}", armed.trigger.id);
        let (store, scope) = (self.core().store.clone(), actor.scope());
        let (principal, hash) = (key::principal(actor), key::request_hash(self, &[key.as_bytes()]));
        let (who, begun) = (principal.clone(), key.clone());
        // Whatever this answers: a run is bound to the key once, and who comes too late is answered with it.
        store
            .write(scope, move |tx| Box::pin(async move { idempotency::begin(tx, &who, &begun, &hash).await }))
            .await?;
        let started = self.start_by(armed, actor, data, Some(key.clone()), firing).await;
        if started.is_err() {
            // What was refused may be delivered again; a key with a run stays.
            store
                .write(scope, move |tx| Box::pin(async move { idempotency::forget(tx, &principal, &key).await }))
                .await?;
        }
        started
    }

    /// Keeps why a request started nothing. The same reason is written once: anybody can send requests.
    async fn note_refused(&self, trigger: &Trigger, fault: Fault) -> Result<(), Fault> {
        if trigger.last_fault.as_ref().is_some_and(|Json(last)| *last == fault) {
            return Ok(());
        }
        self.note(trigger, refused(Firing::default(), fault)).await.map(drop)
    }
}

/// What is not there was looked for.
fn nowhere<T>(found: Result<T, StoreError>) -> Result<(), StoreError> {
    match found {
        Ok(_) | Err(StoreError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn fits(scheme: &Scheme, value: &Secret<String>) -> bool {
    sf_engine::workflow::webhook::Key::parse(scheme, value).is_ok()
}

/// Values of secrets are given as texts.
fn text(value: &Secret<Vec<u8>>) -> Result<Secret<String>, Fault> {
    let text = std::str::from_utf8(value.expose());
    text.map(|text| Secret::new(text.to_owned())).map_err(|_| {
        let fault = Fault::new(ErrorKind::Invalid, "webhook.secret_invalid", "The webhook's secret is no text.");
        fault.fix("Give the secret a new value.")
    })
}

/// What expressions see as `trigger`.
fn data(armed: &Armed, request: &Delivered) -> Value {
    let own = armed.signed().and_then(|webhook| webhook.header.as_ref()).map(|name| name.to_ascii_lowercase());
    let shown = SHOWN.iter().filter(|name| own.as_deref() != Some(**name));
    let headers: serde_json::Map<String, Value> =
        shown.filter_map(|name| Some(((*name).to_owned(), request.headers.get(*name)?.clone().into()))).collect();
    json!({ "id": armed.trigger.name, "kind": "webhook", "body": body(request), "headers": headers })
}

/// JSON where the sender says so, or says nothing; a text else.
fn body(request: &Delivered) -> Value {
    let kind = request.headers.get("content-type").map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let is_json = kind.is_none_or(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind == "application/json" || kind.ends_with("+json")
    });
    let parsed = is_json.then(|| serde_json::from_slice(&request.body).ok()).flatten();
    parsed.unwrap_or_else(|| String::from_utf8_lossy(&request.body).into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_json_or_a_text() {
        let check = |kind: Option<&str>, sent: &'static [u8], expected: Value| {
            let headers = kind.map(|kind| ("content-type".to_owned(), kind.to_owned())).into_iter().collect();
            let request = Delivered { headers, body: sent.to_vec() };
            assert_eq!(body(&request), expected, "{kind:?} {sent:?}");
        };
        check(Some("application/json; charset=utf-8"), b"{\"a\":1}", json!({ "a": 1 }));
        check(Some("application/cloudevents+json"), b"[1]", json!([1]));
        check(None, b"{\"a\":1}", json!({ "a": 1 }));
        check(None, b"a=1", json!("a=1"));
        check(Some("application/json"), b"{", json!("{"));
        check(Some("text/plain"), b"12", json!("12"));
        check(Some("application/x-www-form-urlencoded"), b"a=1", json!("a=1"));
        check(Some("text/plain"), b"\xff", json!("\u{fffd}"));
        check(None, b"", json!(""));
    }
}
