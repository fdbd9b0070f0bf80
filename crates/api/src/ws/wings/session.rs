//! One connection, from its acceptance to its end.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use sf_actions::console::{ConsoleAction, ConsoleCommand};
use sf_actions::power::{PowerAction, PowerVerb};
use sf_actions::{Action, Admission};
use sf_bus::{Delivery, Subscription, Topic};
use sf_control::sign_in::Holding;
use sf_control::{Proposal, Proposed, Watching, events as names};
use sf_protocol::server::ConsoleWanted;
use sf_runtime::{Place, Shutdown};
use sf_types::{ErrorKind, Fault, ServerId, UserId};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::frame::{self, Asked};
use super::pace::{MAX_FRAMES_PER_BEAT, May, Paces};
use super::telling::Told;
use crate::layer::{address, rates};
use crate::state::Api;
use crate::ws::end::{self, BEAT, End, SILENCE};

/// Time a socket has to say who it is, and to say it again once its token has ended.
pub const AUTH_WITHIN: Duration = Duration::from_secs(10);
/// How long before its end a token is said to end.
pub const EXPIRING: Duration = Duration::from_secs(60);
/// Lines that `send logs` answers.
const LOG_LINES: u16 = 150;
/// How long a machine is waited for.
const LOGS_WITHIN: Duration = Duration::from_secs(5);

pub(super) struct Session {
    pub(super) api: Api,
    pub(super) server: ServerId,
    address: Option<IpAddr>,
    stream: WebSocket,
    pub(super) holding: Option<Holding>,
    place: Option<Place<UserId>>,
    subscription: Option<Subscription>,
    watching: Option<Watching>,
    pub(super) told: Told,
    paces: Paces,
    frames: u32,
    heard: Instant,
    /// Until when it has to say who it is.
    auth_until: Option<Instant>,
    is_expiring: bool,
}

impl Session {
    pub(super) fn new(api: Api, server: ServerId, address: Option<IpAddr>, stream: WebSocket) -> Self {
        let now = Instant::now();
        Self {
            api,
            server,
            address,
            stream,
            holding: None,
            place: None,
            subscription: None,
            watching: None,
            told: Told::default(),
            paces: Paces::new(now),
            frames: 0,
            heard: now,
            auth_until: Some(now + AUTH_WITHIN),
            is_expiring: false,
        }
    }

    /// Serves until either side ends it. `unknown` is its place among those that have not said who they are.
    pub(super) async fn serve(mut self, unknown: Option<Place<IpAddr>>, shutdown: Shutdown) {
        metrics::gauge!("client_sockets").increment(1);
        let Err(end) = self.run(unknown, shutdown).await;
        metrics::gauge!("client_sockets").decrement(1);
        tracing::debug!(?end, "a client socket ended");
        end.say(&mut self.stream).await;
    }

    async fn run(
        &mut self,
        mut unknown: Option<Place<IpAddr>>,
        shutdown: Shutdown,
    ) -> Result<std::convert::Infallible, End> {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let late = self.auth_until;
            tokio::select! {
                biased;
                () = shutdown.requested() => return Err(End::Stopping),
                () = until(late) => return Err(End::Refused("it did not say in time who it is")),
                _ = beat.tick() => self.beat().await?,
                message = self.stream.recv() => self.heard(message).await?,
                delivery = end::next(&mut self.subscription) => match delivery {
                    Some(delivery) => self.deliver(delivery).await?,
                    None => return Err(End::Stopping),
                },
            }
            if self.holding.is_some() {
                drop(unknown.take());
            }
        }
    }

    async fn beat(&mut self) -> Result<(), End> {
        if self.heard.elapsed() > SILENCE {
            return Err(End::Gone);
        }
        self.frames = 0;
        self.paces.beat();
        self.ask_again().await?;
        self.count_down().await?;
        self.write(Message::Ping(Default::default())).await
    }

    /// What was revoked ends the socket; what was given or taken holds from now on.
    async fn ask_again(&mut self) -> Result<(), End> {
        let Some(holding) = &self.holding else { return Ok(()) };
        match self.api.control().console_held(holding.claims.clone(), self.address).await {
            Ok(holding) => {
                self.holding = Some(holding);
                Ok(())
            }
            Err(fault) if fault.kind == ErrorKind::NotFound => self.deleted().await,
            Err(fault) if matches!(fault.kind, ErrorKind::Unauthenticated | ErrorKind::Forbidden) => {
                self.say("jwt error", &[&fault.message]).await?;
                Err(End::Unauthenticated)
            }
            Err(fault) => {
                tracing::warn!(error = %fault, "a client socket's token could not be asked about");
                Ok(())
            }
        }
    }

    /// A token that ends is said to end; one that has ended shows nothing more.
    async fn count_down(&mut self) -> Result<(), End> {
        let Some(holding) = &self.holding else { return Ok(()) };
        let (now, ends) = (self.api.control().now(), holding.ends_at());
        if now >= ends {
            if self.auth_until.is_none() {
                self.auth_until = Some(Instant::now() + AUTH_WITHIN);
                (self.watching, self.subscription) = (None, None);
                return self.say("token expired", &[]).await;
            }
        } else if now >= ends.minus(EXPIRING) && !std::mem::replace(&mut self.is_expiring, true) {
            return self.say("token expiring", &[]).await;
        }
        Ok(())
    }

    pub(super) async fn deleted(&mut self) -> Result<(), End> {
        self.say("deleted", &["null"]).await?;
        Err(End::Deleted)
    }

    async fn heard(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        self.frames += 1;
        if self.frames > MAX_FRAMES_PER_BEAT {
            return Err(End::Refused("too many messages"));
        }
        let Some(text) = end::text(message)? else { return Ok(()) };
        let asked = match frame::read(&text) {
            Ok(asked) => asked,
            Err(_) if self.holding.is_none() => return Err(End::Refused("the first frame has to be `auth`")),
            Err(why) => {
                return match self.paces.take(&Asked::Other, self.heard) {
                    May::Now => self.say("daemon error", &[&format!("The frame is refused: {why}.")]).await,
                    May::Throttled | May::Silently => Ok(()),
                };
            }
        };
        match self.paces.take(&asked, self.heard) {
            May::Now => self.answer(asked).await,
            May::Throttled => self.say("throttled", &[asked.event()]).await,
            May::Silently => Ok(()),
        }
    }

    async fn answer(&mut self, asked: Asked) -> Result<(), End> {
        if let Asked::Auth(token) = asked {
            return self.authenticate(&token).await;
        }
        if self.holding.is_none() {
            self.say("jwt error", &["no token was sent"]).await?;
            return Err(End::Refused("the first frame has to be `auth`"));
        }
        if self.auth_until.is_some() {
            return self.say("jwt error", &["the token has expired"]).await;
        }
        match asked {
            Asked::SetState(state) => self.set_state(&state).await,
            Asked::SendCommand(line) => self.command(line).await,
            Asked::SendLogs => self.logs().await,
            Asked::SendStats => self.stats().await,
            Asked::Auth(_) | Asked::Other => Ok(()),
        }
    }

    async fn authenticate(&mut self, token: &str) -> Result<(), End> {
        let control = self.api.control().clone();
        let held = control.console_holder(self.server, token, self.address).await;
        let holding = match held {
            Ok(holding) => holding,
            Err(fault) => {
                if rates::failed(&self.api, self.address.map(address::From)).is_err() {
                    return Err(End::Refused("too many refused tokens"));
                }
                return self.say("jwt error", &[&fault.message]).await;
            }
        };
        let user = holding.claims.user_uuid;
        if self.holding.as_ref().is_some_and(|had| had.claims.user_uuid != user) {
            return self.say("jwt error", &["the token is another person's"]).await;
        }
        if self.place.is_none() {
            let Some(place) = self.api.places().take(user) else {
                self.say("daemon error", &["Too many sockets are open for you. Close others."]).await?;
                return Err(End::Refused("too many sockets"));
            };
            self.place = Some(place);
        }
        if self.subscription.is_none() {
            let carriers = [Topic::User(user), Topic::Server(self.server)];
            let scope = holding.actor.scope();
            self.subscription = control.bus().subscribe(scope, carriers).ok();
            self.watching = match control.watch_console(&holding.actor, self.server).await {
                Ok(watching) => Some(watching),
                Err(fault) => return self.say("jwt error", &[&fault.message]).await,
            };
        }
        (self.holding, self.auth_until, self.is_expiring) = (Some(holding), None, false);
        self.say("auth success", &[]).await?;
        self.told.state = None;
        self.refresh().await?;
        if self.told.state == Some("offline") {
            self.stats().await?;
        }
        Ok(())
    }

    async fn set_state(&mut self, state: &str) -> Result<(), End> {
        let (verb, word) = match state {
            "start" => (PowerVerb::Start, "control.start"),
            "stop" => (PowerVerb::Stop, "control.stop"),
            "restart" => (PowerVerb::Restart, "control.restart"),
            "kill" => (PowerVerb::Kill, "control.stop"),
            _ => return self.say("daemon error", &["It can be started, stopped, restarted and killed."]).await,
        };
        self.propose(word, Action::Power(PowerAction { server: self.server, verb })).await
    }

    async fn command(&mut self, line: String) -> Result<(), End> {
        // As Wings does: nobody would read it.
        if matches!(self.told.state, Some("offline") | None) {
            return Ok(());
        }
        let command = ConsoleCommand { server: self.server, line };
        self.propose("control.console", Action::Console(ConsoleAction::Command(command))).await
    }

    /// Proposes what the token names; what its holder may not do any more is refused there.
    async fn propose(&mut self, word: &str, action: Action) -> Result<(), End> {
        let Some(holding) = &self.holding else { return Ok(()) };
        if !holding.names(word) {
            return self.say("daemon error", &[&format!("This needs the permission `{word}`.")]).await;
        }
        let request = crate::request::current().id;
        let actor = holding.actor.clone();
        match self.api.control().propose(&actor, request, Proposal::of(action)).await {
            Ok(Proposed::Open(run)) if run.decision.admission == Admission::Ask => {
                let text = format!("It waits until a person agrees: {}.", run.decision.because);
                self.say("daemon message", &[&text]).await
            }
            Ok(_) => Ok(()),
            Err(fault) => self.say("daemon error", &[&fault.to_string()]).await,
        }
    }

    async fn logs(&mut self) -> Result<(), End> {
        let Some(holding) = &self.holding else { return Ok(()) };
        let wanted = ConsoleWanted { server: self.server, after: None, lines: LOG_LINES, time: None };
        let (control, actor) = (self.api.control().clone(), holding.actor.clone());
        let asked = control.server_console(&actor, crate::request::current().id, wanted);
        match tokio::time::timeout(LOGS_WITHIN, asked).await {
            Ok(Ok(chunk)) => {
                for line in &chunk.lines {
                    self.told.line = self.told.line.max(line.sequence);
                    self.say("console output", &[&line.text]).await?;
                }
                Ok(())
            }
            Ok(Err(fault)) => self.say("daemon error", &[&fault.message]).await,
            Err(_) => self.say("daemon error", &["Its machine does not answer."]).await,
        }
    }

    async fn deliver(&mut self, delivery: Delivery) -> Result<(), End> {
        match delivery {
            Delivery::Event(event) if event.name.as_ref() == names::USER_UPDATE => self.ask_again().await,
            Delivery::Event(event) if event.topics.contains(&Topic::Server(self.server)) => self.tell(&event).await,
            Delivery::Event(_) => Ok(()),
            Delivery::Lagged(_) => {
                // What was missed may have been about this very person.
                self.ask_again().await?;
                self.say("daemon message", &["Some lines were left out: they came too fast."]).await?;
                self.refresh().await
            }
        }
    }

    pub(super) async fn say(&mut self, event: &str, args: &[&str]) -> Result<(), End> {
        self.write(Message::Text(frame::write(event, args).into())).await
    }

    /// Writes one message. While the peer does not read, its token is still asked about.
    async fn write(&mut self, message: Message) -> Result<(), End> {
        let (control, address) = (self.api.control(), self.address);
        let claims = self.holding.as_ref().map(|holding| &holding.claims);
        let still = || async {
            let Some(claims) = claims else { return Ok(()) };
            match control.console_held(claims.clone(), address).await {
                Err(fault) if is_over(&fault) => Err(End::Unauthenticated),
                _ => Ok(()),
            }
        };
        end::write(&mut self.stream, message, still).await
    }
}

const fn is_over(fault: &Fault) -> bool {
    matches!(fault.kind, ErrorKind::Unauthenticated | ErrorKind::Forbidden | ErrorKind::NotFound)
}

async fn until(then: Option<Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}
