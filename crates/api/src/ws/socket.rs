//! One connection, from its acceptance to its end.

pub mod backlog;

use std::collections::HashMap;
use std::net::IpAddr;

use axum::extract::ws::{Message, WebSocket};
use sf_actions::Permission;
use sf_bus::{Delivery, Event, Subscription};
use sf_control::{Watching, events as names};
use sf_protocol::report::{LogSource, LogStream};
use sf_runtime::{Place, Shutdown};
use sf_store::{StoreError, events};
use sf_types::{ErrorKind, Fault, ServerId, Timestamp, UserId};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use super::end::{self, BEAT, End, SILENCE};
use super::message::{self, FromClient, Subscribe};
use super::topic::Topic;
use crate::caller::{self, Known};
use crate::state::Api;
use crate::view::log::LineView;

/// Messages a client may send between two beats.
pub const MAX_MESSAGES_PER_BEAT: u32 = 200;
/// Topics of one socket.
pub const MAX_TOPICS: usize = 200;
/// Subscriptions that may wait for the database.
const MAX_WAITING: usize = 32;

pub(super) struct Socket {
    api: Api,
    known: Known,
    token: String,
    stream: WebSocket,
    subscription: Option<Subscription>,
    /// What is followed, and up to which event it was told.
    followed: HashMap<Topic, u64>,
    /// Consoles that are watched: their nodes send for as long as these are held.
    consoles: HashMap<ServerId, Watching>,
    /// Up to which line each log was told.
    lines: HashMap<Uuid, u64>,
    health: Option<watch::Receiver<Option<String>>>,
    heard: Instant,
    messages: u32,
    /// Subscriptions that wait for the database.
    waiting: Vec<Subscribe>,
    /// From which event on some were not told, until it can be said up to which.
    gap: Option<u64>,
    /// Rights changed, and not every topic could be looked at.
    unsure: bool,
}

/// Why a subscription was not begun.
enum Trouble {
    /// The socket ends.
    End(End),
    /// It is refused, or cannot be looked at now.
    Fault(Fault),
}

impl From<End> for Trouble {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl Socket {
    pub(super) fn new(api: Api, known: Known, token: String, stream: WebSocket) -> Self {
        Self {
            api,
            known,
            token,
            stream,
            subscription: None,
            followed: HashMap::new(),
            consoles: HashMap::new(),
            lines: HashMap::new(),
            health: None,
            heard: Instant::now(),
            messages: 0,
            waiting: Vec::new(),
            gap: None,
            unsure: false,
        }
    }

    /// Serves until either side ends it.
    pub(super) async fn serve(mut self, place: Option<Place<UserId>>, shutdown: Shutdown) {
        metrics::gauge!("event_sockets").increment(1);
        let Err(end) = self.run(shutdown).await;
        metrics::gauge!("event_sockets").decrement(1);
        tracing::debug!(?end, "an event socket ended");
        end.say(&mut self.stream).await;
        drop(place);
    }

    async fn run(&mut self, shutdown: Shutdown) -> Result<std::convert::Infallible, End> {
        self.hear_of_oneself();
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = shutdown.requested() => return Err(End::Stopping),
                _ = beat.tick() => self.beat().await?,
                message = self.stream.recv() => self.heard(message).await?,
                health = next_health(&mut self.health) => self.tell_health(health).await?,
                delivery = end::next(&mut self.subscription) => match delivery {
                    Some(delivery) => self.deliver(delivery).await?,
                    None => return Err(End::Stopping),
                },
            }
        }
    }

    /// What happens to the person behind it is heard of at once, not at the next beat.
    fn hear_of_oneself(&mut self) {
        let Some(user) = self.known.actor.user() else { return };
        let own = [sf_bus::Topic::User(user)];
        self.subscription = self.api.control().bus().subscribe(self.known.actor.scope(), own).ok();
    }

    /// Whether an event says that this person was suspended, signed out or given other rights.
    fn is_about_oneself(&self, event: &Event) -> bool {
        let own = self.known.actor.user().map(sf_bus::Topic::User);
        event.name.as_ref() == names::USER_UPDATE && own.is_some_and(|own| event.topics.contains(&own))
    }

    /// Asks again who this is, so that what was revoked is heard of within seconds.
    async fn beat(&mut self) -> Result<(), End> {
        if self.heard.elapsed() > SILENCE {
            return Err(End::Gone);
        }
        self.messages = 0;
        self.ask_again().await?;
        self.make_up().await?;
        self.write(Message::Ping(Default::default())).await
    }

    async fn ask_again(&mut self) -> Result<(), End> {
        if let Some(known) = still_known(&self.api, &self.token, self.known.address).await?
            && known.actor != self.known.actor
        {
            self.known = known;
            self.withdraw().await?;
        }
        Ok(())
    }

    /// Rights changed: what may not be followed any more is dropped, saying so.
    async fn withdraw(&mut self) -> Result<(), End> {
        for topic in self.followed.keys().copied().collect::<Vec<_>>() {
            if let Err(fault) = topic.authorise(self.api.control(), &self.known.actor).await {
                if passes(&fault) {
                    self.unsure = true;
                    continue;
                }
                self.unfollow(topic);
                self.send(message::failure(&fault)).await?;
                self.send(message::unsubscribed(&[topic.to_string()])).await?;
            }
        }
        Ok(())
    }

    async fn heard(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        self.messages += 1;
        if self.messages > MAX_MESSAGES_PER_BEAT {
            return Err(End::Refused("too many messages"));
        }
        let Some(text) = end::text(message)? else { return Ok(()) };
        match serde_json::from_str(&text) {
            Ok(FromClient::Subscribe(wanted)) => self.subscribe(wanted).await,
            Ok(FromClient::Unsubscribe(unwanted)) => {
                for topic in unwanted.topics.iter().filter_map(|text| text.parse().ok()) {
                    self.unfollow(topic);
                }
                self.send(message::unsubscribed(&unwanted.topics)).await
            }
            Ok(FromClient::Ping(number)) => self.send(message::pong(number)).await,
            Err(error) => {
                let message = format!("The message is refused: {error}.");
                self.send(message::failure(&Fault::new(ErrorKind::Invalid, "events.message", message))).await
            }
        }
    }

    /// All or nothing: a topic that may not be followed refuses the whole message.
    async fn subscribe(&mut self, mut wanted: Subscribe) -> Result<(), End> {
        match self.begin(&mut wanted).await {
            Ok(()) => Ok(()),
            Err(Trouble::End(end)) => Err(end),
            Err(Trouble::Fault(fault)) if passes(&fault) && self.waiting.len() < MAX_WAITING => {
                tracing::warn!(%fault, "a subscription waits until the database answers");
                // What is not followed is not told either: nothing is told before what was missed.
                for topic in wanted.topics.iter().filter_map(|text| text.parse().ok()) {
                    self.unfollow(topic);
                }
                self.waiting.push(wanted);
                Ok(())
            }
            Err(Trouble::Fault(fault)) => self.send(message::failure(&fault)).await,
        }
    }

    /// Follows, tells what was missed, and says so. When it fails half way, `wanted` says where to go on.
    async fn begin(&mut self, wanted: &mut Subscribe) -> Result<(), Trouble> {
        let (topics, after, after_line) = self.follow(wanted).await?;
        let told = self.catch_up(&topics, after, &mut wanted.after).await?;
        for topic in &topics {
            if let (Some(line), Topic::AppLog(_) | Topic::RunLog(_)) = (after_line, topic) {
                self.catch_up_lines(*topic, line).await?;
            }
        }
        if topics.contains(&Topic::System) && self.health.is_none() {
            self.health = Some(self.api.health().follow(&self.api));
        }
        Ok(self.send(message::subscribed(&wanted.topics, told)).await?)
    }

    /// What could not be read before is tried again.
    async fn make_up(&mut self) -> Result<(), End> {
        if let Some(from) = self.gap {
            let Ok(head) = events::head(&self.reader()).await else { return Ok(()) };
            self.gap = None;
            self.send(message::lagged(from, head)).await?;
        }
        for wanted in std::mem::take(&mut self.waiting) {
            let is_new = wanted.after.is_none();
            self.subscribe(wanted).await?;
            // It was asked for a while ago, and nobody was told what happened since.
            if is_new && self.waiting.is_empty() {
                let head = self.followed.values().copied().max().unwrap_or(0);
                self.send(message::lagged(head, head)).await?;
            }
        }
        if self.unsure {
            self.unsure = false;
            self.withdraw().await?;
        }
        Ok(())
    }

    fn reader(&self) -> sf_store::Reader {
        self.api.control().store().read(self.known.actor.scope())
    }

    async fn follow(&mut self, wanted: &Subscribe) -> Result<(Vec<Topic>, Option<u64>, Option<u64>), Fault> {
        let topics = wanted.topics.iter().map(|text| text.parse()).collect::<Result<Vec<Topic>, Fault>>()?;
        let new = topics.iter().filter(|topic| !self.followed.contains_key(topic)).count();
        if topics.is_empty() || self.followed.len() + new > MAX_TOPICS {
            let message = format!("One socket follows 1 to {MAX_TOPICS} topics.");
            return Err(Fault::new(ErrorKind::TooLarge, "events.topics", message));
        }
        let (after, after_line) = (number(wanted.after.as_deref())?, number(wanted.after_line.as_deref())?);
        let actor = &self.known.actor;
        for topic in &topics {
            topic.authorise(self.api.control(), actor).await?;
        }
        for server in topics.iter().filter_map(|topic| topic.console()) {
            if !self.consoles.contains_key(&server) {
                self.consoles.insert(server, self.api.control().watch_console(actor, server).await?);
            }
        }
        let carriers = topics.iter().filter_map(|topic| topic.carrier(actor.tenant));
        match &mut self.subscription {
            Some(subscription) => {
                for carrier in carriers {
                    subscription.follow(carrier)?;
                }
            }
            None => self.subscription = Some(self.api.control().bus().subscribe(actor.scope(), carriers)?),
        }
        Ok((topics, after, after_line))
    }

    /// The carrier stays followed: other topics may ride on it, and what no topic holds is left out anyway.
    fn unfollow(&mut self, topic: Topic) {
        self.followed.remove(&topic);
        match topic {
            Topic::System => self.health = None,
            Topic::Console(server) => drop(self.consoles.remove(&server)),
            _ => {}
        }
    }

    async fn deliver(&mut self, delivery: Delivery) -> Result<(), End> {
        match delivery {
            Delivery::Event(event) => {
                if self.is_about_oneself(&event) {
                    self.ask_again().await?;
                }
                self.tell(&event).await
            }
            Delivery::Lagged(gap) => {
                // What was missed may have been about this very person.
                self.ask_again().await?;
                let told = self.followed.values().copied().max().unwrap_or(0);
                let from = gap.missed_from.unwrap_or(told);
                match events::head(&self.reader()).await {
                    Ok(head) => self.send(message::lagged(gap.missed_from.unwrap_or(head), head)).await,
                    Err(error) => {
                        tracing::warn!(%error, "a slow reader is told of its gap when the database answers");
                        self.gap = Some(self.gap.map_or(from, |before| before.min(from)));
                        Ok(())
                    }
                }
            }
        }
    }

    async fn tell(&mut self, event: &Event) -> Result<(), End> {
        let mut heard_through: Option<Topic> = None;
        for (topic, seen) in &mut self.followed {
            let is_new = event.seq == 0 || *seen < event.seq;
            if is_new && topic.holds(event) {
                *seen = (*seen).max(event.seq);
                if topic.shows(&self.known.actor, event.project, event.topics.iter().copied()) {
                    heard_through = closest(heard_through, *topic);
                }
            }
        }
        let Some(topic) = heard_through else { return Ok(()) };
        match event.name.as_ref() {
            names::LOG_LINE => match serde_json::from_str::<LogStream>(&event.data) {
                Ok(lines) => self.tell_lines(topic, event.at, lines).await,
                Err(error) => {
                    tracing::error!(%error, "log lines cannot be read");
                    Ok(())
                }
            },
            names::NODE_METRICS if !self.known.actor.may(Permission::MonitoringView) => Ok(()),
            name => {
                let data = with_text_times(name, &event.data);
                self.send(message::event(name, event.seq, &topic.to_string(), event.at, &data)).await
            }
        }
    }

    /// Lines, each once, in the shape of the API.
    async fn tell_lines(&mut self, topic: Topic, at: Timestamp, stream: LogStream) -> Result<(), End> {
        let (log, release) = log_of(stream.source);
        let told = self.lines.entry(log).or_insert(0);
        let fresh: Vec<_> = stream.lines.into_iter().filter(|line| line.sequence > *told).collect();
        let Some(last) = fresh.last() else { return Ok(()) };
        *told = last.sequence;
        let at = if at == Timestamp::EPOCH { last.at } else { at };
        let lines: Vec<_> = fresh.into_iter().map(|line| LineView::of(line, release)).collect();
        let data = serde_json::json!({ "releaseId": release, "lines": lines, "dropped": stream.dropped });
        self.send(message::event(names::LOG_LINE, 0, &topic.to_string(), at, &data.to_string())).await
    }

    async fn tell_health(&mut self, health: Option<String>) -> Result<(), End> {
        let (Some(data), true) = (health, self.followed.contains_key(&Topic::System)) else { return Ok(()) };
        let at = self.api.control().now();
        self.send(message::event(names::SYSTEM_HEALTH, 0, "system", at, &data)).await
    }

    async fn send(&mut self, text: String) -> Result<(), End> {
        self.write(Message::Text(text.into())).await
    }

    /// Writes one message. While the peer does not read, its token is still asked about.
    async fn write(&mut self, message: Message) -> Result<(), End> {
        let still = || async { still_known(&self.api, &self.token, self.known.address).await.map(drop) };
        end::write(&mut self.stream, message, still).await
    }
}

/// The log's own id, and the release it belongs to.
fn log_of(source: LogSource) -> (Uuid, Option<Uuid>) {
    match source {
        LogSource::App { release, .. } => (release.uuid(), Some(release.uuid())),
        LogSource::Run { run } => (run.uuid(), None),
    }
}

/// The topic an event is told under, where several hold it.
fn closest(found: Option<Topic>, other: Topic) -> Option<Topic> {
    Some(found.filter(|found| found.distance() <= other.distance()).unwrap_or(other))
}

/// `None` when it cannot be told now: a database that is away for a moment must not throw everybody out at once, and
/// while it is, nobody can be revoked either. Who has to do something first is as one who is signed out.
async fn still_known(api: &Api, token: &str, address: Option<IpAddr>) -> Result<Option<Known>, End> {
    match caller::recheck(api, token, super::AUDIENCES, address).await {
        Ok(known) => Ok(Some(known)),
        Err(problem) if matches!(problem.fault().kind, ErrorKind::Unauthenticated | ErrorKind::Forbidden) => {
            Err(End::Unauthenticated)
        }
        Err(problem) => {
            tracing::warn!(error = %problem.fault(), "an event socket's token could not be asked about");
            Ok(None)
        }
    }
}

/// Whether the same may go well a moment later.
const fn passes(fault: &Fault) -> bool {
    matches!(fault.kind, ErrorKind::Internal | ErrorKind::Unavailable | ErrorKind::Timeout)
}

async fn next_health(health: &mut Option<watch::Receiver<Option<String>>>) -> Option<String> {
    match health {
        Some(receiver) => match receiver.changed().await {
            Ok(()) => receiver.borrow_and_update().clone(),
            Err(_) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

fn number(text: Option<&str>) -> Result<Option<u64>, Fault> {
    let read = text.map(str::parse).transpose();
    read.map_err(|_| Fault::new(ErrorKind::Invalid, "events.after", "`after` and `afterLine` are numbers in quotes."))
}

/// Inside, times are numbers; outside they are text.
fn with_text_times(name: &str, data: &str) -> String {
    if name != names::NODE_METRICS {
        return data.to_owned();
    }
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(data) else { return data.to_owned() };
    if let Some(at) = value.get("at").and_then(serde_json::Value::as_i64) {
        value["at"] = Timestamp::from_millis(at).to_string().into();
    }
    value.to_string()
}
