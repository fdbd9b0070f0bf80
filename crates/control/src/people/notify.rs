//! Telling people: of what waits for them, what failed, what went by itself.
//!
//! Whatever happens writes a [`notice::Notice`] into the outbox, in its own transaction ([`notice::raise`]). A lane finds
//! out whom it is for ([`fan`]): only people who may see the thing, each by their own channels and at their own times.
//! Messages for one channel are a lane of their own ([`lane`]), so that one that is slow holds nobody else up. What is
//! sent leads to a page behind the sign-in and decides nothing.
//!
//! Start reading at [`notice`], then [`fan`], [`compose`], [`lane`]; what people set up is [`own`].

mod compose;
mod fan;
mod lane;
pub(crate) mod notice;
pub mod own;
mod sealed;

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use sf_connectors::Sender;
use sf_connectors::push::VapidKey;
use sf_egress::Egress;
use tokio::sync::Notify;

use crate::options::Options;

pub use own::{ChangedChannel, NewChannel, Wanted, Whose};
pub(crate) use sealed::vapid_key;

/// The lane of notices, and the family of the lanes of messages: one for each channel.
const LANE: &str = "notify";
/// A notice, before it is known whom it is for.
const NOTICE: &str = "notice";
/// What was held for a channel is due.
const DIGEST: &str = "digest";
/// A message for one channel.
const MESSAGE: &str = "message";
/// One that only shows that it arrives.
const TEST: &str = "test";

/// Notices taken at a time.
pub const BATCH: u32 = 32;
/// Channels that are sent to at one time, over all teams.
pub const MAX_AT_ONCE: usize = 16;
/// Longer than any try takes.
pub const LEASE: Duration = Duration::from_secs(60);
/// After this a message is given up.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Messages that wait for one channel before the next ones are collected into one.
pub const MAX_WAITING: u64 = 20;
/// How long they are collected then.
pub const COLLECTED_FOR: Duration = Duration::from_secs(300);

/// What telling people needs.
#[derive(Debug)]
pub(crate) struct Notifier {
    egress: Egress,
    sender: Sender,
    public_url: String,
    /// Something was raised, or a lane is free: look.
    wake: Notify,
    /// One look at a time.
    looking: tokio::sync::Mutex<()>,
    /// Lanes that somebody is at in this process.
    busy: Mutex<HashSet<String>>,
    /// One of them is free again.
    freed: Notify,
}

impl Notifier {
    pub(crate) fn new(options: &Options, vapid: VapidKey) -> Result<Self, sf_egress::BadOptions> {
        Ok(Self {
            egress: Egress::new(&options.egress)?,
            sender: Sender { vapid, subject: subject(options) },
            public_url: options.public_url.trim_end_matches('/').to_owned(),
            wake: Notify::new(),
            looking: tokio::sync::Mutex::default(),
            busy: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Something was raised and is stored: the lane looks.
    pub(crate) fn raised(&self) {
        self.wake.notify_one();
    }

    fn page(&self, path: &str) -> String {
        format!("{}{path}", self.public_url)
    }
}

/// Whom a push service may ask about us. Source: RFC 8292 section 2.1: `mailto:` or `https:`.
fn subject(options: &Options) -> String {
    if options.public_url.starts_with("https://") {
        return options.public_url.clone();
    }
    let from = options.mail.as_ref().map(|mail| mail.from.as_str());
    let address = from.map(|from| from.rsplit_once('<').map_or(from, |(_, rest)| rest.trim_end_matches('>')));
    format!("mailto:{}", address.unwrap_or("serverflow@localhost").trim())
}
