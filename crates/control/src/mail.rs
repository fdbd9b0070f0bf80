//! Mail to people: composed purely, sealed into the outbox with the change that makes it necessary, sent by a lane of
//! its own. Without a mail server nothing is written, and whoever asked is shown the link instead.
//!
//! Start reading at [`letter`] (what people read), then [`post`] (how it gets into the outbox), then `lane.rs`.

mod lane;
pub(crate) mod letter;
mod sender;
mod settings;

use std::sync::{Arc, Mutex, PoisonError};

use sf_actions::{Actor, Permission};
use sf_protocol::wire::encode_base64;
use sf_store::{Look, Tx, outbox};
use sf_types::{Email, ErrorKind, Fault, RequestId, Scope};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use crate::approval::decide::not_a_person;
use crate::control::{Control, Core};
use crate::mail::letter::Letter;
use crate::mail::sender::Sender;
pub use lane::{BATCH, LEASE, MAX_ATTEMPTS};
pub use sender::SEND_TIMEOUT;
pub use settings::{MailOptions, Security};

/// The lane's name in the outbox.
const LANE: &str = "mail";
/// What letters are sealed for.
const PURPOSE: &str = "mail";
/// Letters of people who lost their password that are written at one time; more are dropped.
pub const MAX_FORGOTTEN: usize = 64;
/// Kind of the letter that only shows that mail arrives.
const TEST: &str = "test";

/// What sending mail needs.
#[derive(Debug)]
pub(crate) struct Mail {
    sender: Option<Sender>,
    public_url: String,
    wake: Notify,
    /// Why the last letter did not go, until one goes.
    last_error: Mutex<Option<String>>,
    /// Places for requests of people who lost their password.
    pub(crate) forgotten: Arc<Semaphore>,
}

/// How mail is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailState {
    /// The server's name and the sender, where there is a server.
    pub server: Option<(String, String)>,
    /// Letters that wait.
    pub waiting: u64,
    /// Why the last one did not go.
    pub last_error: Option<String>,
}

impl Mail {
    pub(crate) fn new(options: Option<&MailOptions>, public_url: &str) -> Result<Self, String> {
        Ok(Self {
            sender: options.map(Sender::new).transpose()?,
            public_url: public_url.trim_end_matches('/').to_owned(),
            wake: Notify::new(),
            last_error: Mutex::default(),
            forgotten: Arc::new(Semaphore::new(MAX_FORGOTTEN)),
        })
    }

    pub(crate) const fn is_configured(&self) -> bool {
        self.sender.is_some()
    }

    /// The address of a page of the dashboard. A secret stands behind the `#`, which no browser sends to anybody.
    pub(crate) fn page(&self, path: &str, secret: &str) -> String {
        format!("{}/{path}#{secret}", self.public_url)
    }

    /// Where people sign in.
    pub(crate) fn sign_in_page(&self) -> String {
        format!("{}/login", self.public_url)
    }

    /// Something was posted and is stored: the lane looks.
    pub(crate) fn posted(&self) {
        self.wake.notify_one();
    }

    fn note(&self, error: Option<String>) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

/// Writes a letter into the outbox, sealed, since it may hold a link that opens something. Answers whether there is a
/// server to send it; call [`Mail::posted`] after COMMIT.
pub(crate) fn post(tx: &mut Tx, core: &Core, kind: &'static str, letter: &Letter) -> bool {
    if !core.mail.is_configured() {
        return false;
    }
    let id = uuid::Builder::from_random_bytes(core.rng.bytes()).into_uuid();
    let plain = sf_types::Secret::new(serde_json::to_vec(letter).expect("texts and times"));
    let sealed = core.keys.master.seal(PURPOSE, &id.to_string(), plain.expose(), &core.rng);
    let payload = serde_json::json!({ "letter": id, "sealed": encode_base64(&sealed.to_bytes()) });
    let now = tx.now();
    outbox::push(tx, LANE, kind, payload, now);
    true
}

/// Opens a letter from the outbox; `None` when it cannot be read any more.
fn open(core: &Core, payload: &serde_json::Value) -> Option<(Uuid, Letter)> {
    let id: Uuid = payload["letter"].as_str()?.parse().ok()?;
    let bytes = sf_protocol::wire::decode_base64(payload["sealed"].as_str()?).ok()?;
    let sealed = sf_identity::Sealed::from_bytes(&bytes)?;
    let plain = core.keys.master.open(PURPOSE, &id.to_string(), &sealed).ok()?;
    Some((id, serde_json::from_slice(plain.expose()).ok()?))
}

impl Control {
    /// Whether mail goes, and what stands in its way.
    ///
    /// # Errors
    /// A missing right; the store cannot be read.
    pub async fn mail(&self, actor: &Actor) -> Result<MailState, Fault> {
        self.view_team(actor, Permission::AdminSettings)?;
        let core = self.core();
        let (waiting, stored) = outbox::waiting(&core.store.read(Scope::System), LANE).await?;
        let known = core.mail.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let server = core.mail.sender.as_ref().map(|sender| (sender.host().to_owned(), sender.from()));
        Ok(MailState { server, waiting, last_error: known.or(stored) })
    }

    /// Sends a letter that says nothing but that mail arrives; with `dry_run` only looks whether it could.
    ///
    /// # Errors
    /// A missing right, no server, or the last one is still on its way.
    pub async fn test_mail(&self, actor: &Actor, request: RequestId, to: Email, dry_run: bool) -> Result<(), Fault> {
        self.view_team(actor, Permission::AdminSettings)?;
        actor.kind.person().ok_or_else(|| not_a_person("Ask a person who may change settings."))?;
        let core = self.core().clone();
        if !core.mail.is_configured() {
            let fault = Fault::new(ErrorKind::Conflict, "mail.not_configured", "There is no mail server to send by.");
            return Err(fault.fix("Fill in the [mail] section of serverflow.toml and restart."));
        }
        let (inner, kind) = (core.clone(), actor.kind);
        core.store
            .write(actor.scope(), move |tx| {
                Box::pin(async move {
                    if outbox::waiting_of(tx, LANE, TEST).await? > 0 {
                        let message = "The last test letter is still on its way.";
                        let fault = Fault::new(ErrorKind::Conflict, "mail.test_waiting", message);
                        return Err(fault.fix("Look at GET /api/v1/mail: it says what stands in its way.").into());
                    }
                    if !dry_run {
                        post(tx, &inner, TEST, &letter::test(&to, &inner.mail.public_url, tx.now()));
                        let subject = kind_subject(kind);
                        tx.audit(crate::people::audit(tx.scope().tenant(), kind, &subject, request, "mail.test"));
                    }
                    Ok(())
                })
            })
            .await?;
        core.mail.posted();
        Ok(())
    }
}

fn kind_subject(kind: sf_actions::ActorKind) -> String {
    crate::transition::actor_words(kind).1
}
