//! A scripted control plane: the server side of the real protocol over real TLS, with its state in memory.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sf_protocol::command::{Authz, Class, Command, Guard};
use sf_protocol::enrol::{EnrolServer, EnrolToken, NewNode, TokenRecord, UserCode};
use sf_protocol::frame::Frame;
use sf_protocol::handshake::{
    BindingKind, Endpoint, Identity, Join, NodeRecord, Nonce, ServerHello, VERSIONS, Versions, Welcome, join,
};
use sf_protocol::query::{Answer, Query, Reply};
use sf_protocol::report::{LogSource, LogStored, StatusUpdate, Stored};
use sf_protocol::server::{ConsoleOutput, ServerSample};
use sf_protocol::witness::Witness;
use sf_protocol::{Delegation, KeyId, Kind, Order, Outcome, PublicKey, SecretKey, Signed};
use sf_runtime::{Clock, OnError, Rng, Tasks};
use sf_types::{CommandId, InstanceId, Millis, NodeId, ServerId};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Nothing here takes long; a test that waits this long has failed.
pub const LIMIT: Duration = Duration::from_secs(90);

pub type Ws = WebSocketStream<tokio_rustls::server::TlsStream<TcpStream>>;

#[derive(Clone)]
pub struct Plane(Arc<Inner>);

pub struct Inner {
    pub address: SocketAddr,
    pub root: SecretKey,
    key: SecretKey,
    delegation: Mutex<Signed>,
    state: Mutex<State>,
    changed: Notify,
    pub clock: Clock,
    pub rng: Rng,
    tasks: Tasks,
    acceptor: TlsAcceptor,
}

#[derive(Default)]
pub struct State {
    token: Option<TokenRecord>,
    pub node: Option<(NodeId, PublicKey)>,
    counters: (u64, Option<u64>),
    epoch: u64,
    sequence: u64,
    /// Every command ever made, oldest first.
    pub commands: Vec<(CommandId, Kind, Signed)>,
    out: Option<mpsc::UnboundedSender<Frame>>,
    pub connections: u32,
    /// What it speaks in place of everything.
    pub versions: Option<Versions>,
    pub events: Vec<StatusUpdate>,
    pub outcomes: HashMap<CommandId, Outcome>,
    /// How often each outcome came.
    pub deliveries: HashMap<CommandId, u32>,
    pub answers: HashMap<CommandId, Answer>,
    /// By log and number: a line that comes twice is taken in once.
    pub lines: BTreeMap<(LogSource, u64), String>,
    pub samples: usize,
    /// The ports that something else has on the node, as it last said.
    pub held: Option<Vec<u16>>,
    /// What watched servers said, as it came.
    pub consoles: Vec<ConsoleOutput>,
    /// The newest sample of each server.
    pub servers: BTreeMap<ServerId, ServerSample>,
    pub acks: Vec<CommandId>,
    pub first_words: Vec<Kind>,
    /// Second connections, with their tickets, as they came.
    pub seconds: Vec<(Nonce, Ws)>,
    /// Heads of audit chains that the node said it holds.
    pub witnessed: Vec<Signed>,
    asked: bool,
    pub approved: bool,
    /// It takes no connection.
    pub away: bool,
}

fn certify(root: &SecretKey, key: &SecretKey, clock: &Clock, epoch: u64) -> Signed {
    let now = clock.now();
    let delegation = Delegation {
        key: key.public(),
        instance: Rng::system().id(clock),
        classes: vec![Class::Read, Class::Operate, Class::Danger],
        epoch,
        not_before: now.minus(Duration::from_secs(60)),
        not_after: now.plus(Duration::from_secs(86_400)),
    };
    Signed::seal(Kind::Delegation, &delegation, root)
}

impl Plane {
    pub async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(made.cert)], key.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (clock, rng) = (Clock::system(), Rng::system());
        let (root, key) = (SecretKey::from_seed(&rng.bytes()), SecretKey::from_seed(&rng.bytes()));
        let inner = Inner {
            address: listener.local_addr().unwrap(),
            delegation: Mutex::new(certify(&root, &key, &clock, 1)),
            root,
            key,
            state: Mutex::new(State { epoch: 1, ..State::default() }),
            changed: Notify::new(),
            clock,
            rng,
            tasks: Tasks::new(),
            acceptor: TlsAcceptor::from(Arc::new(tls)),
        };
        let plane = Self(Arc::new(inner));
        let accepting = plane.clone();
        plane.0.tasks.spawn("plane", OnError::Log, async move {
            loop {
                let (stream, _) = listener.accept().await?;
                let plane = accepting.clone();
                accepting.0.tasks.spawn("connection", OnError::Log, async move {
                    plane.serve(stream).await;
                    Ok::<(), std::io::Error>(())
                });
            }
            #[expect(unreachable_code, reason = "tells the type of the error")]
            Ok::<(), std::io::Error>(())
        });
        plane
    }

    pub fn url(&self) -> String {
        format!("wss://127.0.0.1:{}", self.0.address.port())
    }

    pub fn fingerprint(&self) -> KeyId {
        self.0.root.public().id()
    }

    pub fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.state.lock().unwrap())
    }

    pub fn token(&self) -> EnrolToken {
        let token = EnrolToken::new(self.0.rng.id(&self.0.clock), self.0.rng.bytes());
        let expires_at = self.0.clock.now().plus(EnrolToken::LIFETIME);
        let record = TokenRecord { id: token.id(), verifier: token.verifier(), expires_at, used: false };
        self.state(|state| state.token = Some(record));
        token
    }

    /// Waits until `look` finds something.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        let wait = async {
            loop {
                let changed = self.0.changed.notified();
                if let Some(found) = self.state(&mut look) {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(LIMIT, wait).await {
            Ok(found) => found,
            Err(_) => panic!("waited for {what}; events: {:#?}", self.state(|state| state.events.clone())),
        }
    }

    /// A restored control plane: the root certifies a higher epoch, numbers begin anew.
    pub fn raise_epoch(&self, epoch: u64) {
        *self.0.delegation.lock().unwrap() = certify(&self.0.root, &self.0.key, &self.0.clock, epoch);
        self.state(|state| (state.epoch, state.sequence, state.commands) = (epoch, 0, Vec::new()));
    }

    /// Ends the present connection.
    pub fn cut(&self) {
        self.state(|state| state.out = None);
    }

    /// Signs an order and sends it, now or when the node connects.
    pub fn order(&self, order: Order, guard: Guard) -> CommandId {
        let (clock, rng) = (&self.0.clock, &self.0.rng);
        let id: CommandId = rng.id(clock);
        let class = order.class();
        let kind = order.kind();
        let now = clock.now();
        self.state(|state| {
            let (node, node_key) = state.node.expect("the node has enrolled");
            if class != Class::Read {
                state.sequence += 1;
            }
            let authz = Authz {
                tenant: rng.id(clock),
                user: None,
                request: rng.id(clock),
                run: (class != Class::Read).then(|| rng.id(clock)),
            };
            let command = Command {
                id,
                node,
                node_key: node_key.id(),
                epoch: state.epoch,
                sequence: if class == Class::Read { 0 } else { state.sequence },
                issued_at: now,
                not_before: now,
                expires_at: now.plus(Duration::from_secs(240)),
                class,
                order,
                guard,
                authz,
            };
            let signed = Signed::seal(kind, &command, &self.0.key);
            let frame = Frame::of_signed(kind, signed.clone()).unwrap();
            if class != Class::Read {
                state.commands.push((id, kind, signed));
            }
            if let Some(out) = &state.out {
                drop(out.send(frame));
            }
        });
        id
    }

    /// The head of a chain of so many lines, its last hash made of `hash`, as the online key signs it.
    pub fn head_of(&self, instance: InstanceId, epoch: u64, (size, hash): (u64, u8)) -> Signed {
        self.head_by(&self.0.key, instance, epoch, (size, hash))
    }

    /// The same by another key that claims to be certified.
    pub fn head_by(&self, key: &SecretKey, instance: InstanceId, epoch: u64, (size, hash): (u64, u8)) -> Signed {
        let now = self.0.clock.now();
        let delegation = Delegation {
            key: self.0.key.public(),
            instance,
            classes: vec![Class::Read],
            epoch,
            not_before: now.minus(Duration::from_secs(60)),
            not_after: now.plus(Duration::from_secs(3600)),
        };
        let delegation = Signed::seal(Kind::Delegation, &delegation, &self.0.root);
        Witness::seal((instance, size, [hash; 32]), now, key, &delegation, &self.0.root.public())
    }

    pub fn send(&self, frame: Frame) {
        self.state(|state| drop(state.out.as_ref().expect("connected").send(frame)));
    }

    /// The signed frame of an earlier command.
    pub fn frame_of(&self, id: CommandId) -> Frame {
        self.state(|state| {
            let (_, kind, signed) = state.commands.iter().find(|(known, _, _)| *known == id).unwrap().clone();
            Frame::of_signed(kind, signed).unwrap()
        })
    }

    pub async fn outcome(&self, id: CommandId) -> Outcome {
        self.until("an outcome", |state| state.outcomes.get(&id).cloned()).await
    }

    pub async fn run(&self, order: Order) -> Outcome {
        let id = self.order(order, Guard::default());
        self.outcome(id).await
    }

    pub async fn ask(&self, query: Query) -> Reply {
        let id = self.order(Order::Query(query), Guard::default());
        self.until("an answer", |state| state.answers.remove(&id)).await.reply
    }

    pub async fn connected(&self, more_than: u32) {
        self.until("a connection", |state| (state.connections > more_than && state.out.is_some()).then_some(())).await;
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        if self.state(|state| state.away) {
            return None;
        }
        let stream = self.0.acceptor.accept(stream).await.ok()?;
        let exporter = stream.get_ref().1.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None).ok();
        let mut ws = tokio_tungstenite::accept_async(stream).await.ok()?;
        let versions = self.state(|state| state.versions).unwrap_or(VERSIONS);
        let endpoint = Endpoint { names: vec!["127.0.0.1".into(), "localhost".into()], exporter, versions };
        let first = hear(&mut ws).await?;
        match Frame::parse(&first).ok()?.kind() {
            Kind::Register => self.register(ws, &first, endpoint).await,
            _ => self.connect(ws, &first, endpoint).await,
        }
    }

    async fn register(&self, mut ws: Ws, first: &str, endpoint: Endpoint) -> Option<()> {
        let delegation = self.0.delegation.lock().unwrap().clone();
        let root = self.0.root.public();
        let identity = Identity { key: &self.0.key, delegation: &delegation, root: &root };
        let server = EnrolServer { endpoint, binding: BindingKind::Exporter };
        let registering = server.register(first).ok()?;
        let nonce = Nonce::from_bytes(self.0.rng.bytes());
        let (text, waiting) = registering.challenge(identity, nonce, self.0.clock.now()).ok()?;
        self.state(|state| state.first_words.push(Kind::Register));
        ws.send(Message::text(text)).await.ok()?;
        let response = hear(&mut ws).await?;
        self.state(|state| state.first_words.push(Kind::Response));
        let token = self.state(|state| state.token.clone());
        match waiting.response(&response, token.as_ref(), self.0.clock.now()) {
            Ok(candidate) => {
                if candidate.token().is_none() {
                    let code = UserCode::from_random(self.0.rng.bytes());
                    let until = self.0.clock.now().plus(Duration::from_secs(600));
                    let text = candidate.pending(code, until, Millis(10)).ok()?;
                    ws.send(Message::text(text)).await.ok()?;
                    // The first time the connection is lost while the person looks.
                    if self.state(|state| std::mem::replace(&mut state.asked, true)) {
                        self.until("approval", |state| state.approved.then_some(())).await;
                    } else {
                        return None;
                    }
                }
                let node: NodeId = self.0.rng.id(&self.0.clock);
                self.state(|state| {
                    state.node = Some((node, *candidate.key()));
                    state.counters = (1, None);
                    state.token = None;
                });
                let epoch = self.state(|state| state.epoch);
                let new = NewNode {
                    node,
                    counter: 1,
                    epoch,
                    tenant_name: "Home".parse().unwrap(),
                    node_name: "test node".parse().unwrap(),
                };
                let text = candidate.registered(&self.0.key, new, self.0.clock.now()).ok()?;
                ws.send(Message::text(text)).await.ok()
            }
            Err(error) => ws.send(Message::text(error.closing().write().unwrap())).await.ok(),
        }
    }

    async fn connect(&self, mut ws: Ws, first: &str, endpoint: Endpoint) -> Option<()> {
        let delegation = self.0.delegation.lock().unwrap().clone();
        let root = self.0.root.public();
        let identity = Identity { key: &self.0.key, delegation: &delegation, root: &root };
        let waiting = ServerHello::new(endpoint).connect(first).ok()?;
        let (node, key) = self.state(|state| state.node)?;
        let known = (waiting.connect().pub_key == key).then_some(NodeRecord {
            node,
            binding: BindingKind::Exporter,
            locked: false,
        });
        let nonce = Nonce::from_bytes(self.0.rng.bytes());
        let (text, waiting) = match waiting.challenge(known, identity, nonce, self.0.clock.now()) {
            Ok(done) => done,
            Err(error) => return ws.send(Message::text(error.closing().write().unwrap())).await.ok(),
        };
        ws.send(Message::text(text)).await.ok()?;
        let proven = waiting.response(&hear(&mut ws).await?).ok()?;
        if let Some(ticket) = proven.connect().transfer {
            self.state(|state| state.seconds.push((ticket, ws)));
            self.0.changed.notify_waiters();
            return Some(());
        }
        let (confirmed, pending) = self.state(|state| state.counters);
        let Join::Accept { confirmed, pending } = join(confirmed, pending, proven.presented()) else {
            panic!("a cloned key: {confirmed} {pending:?} {}", proven.presented());
        };
        let (out, mut outgoing) = mpsc::unbounded_channel();
        let welcome = self.state(|state| {
            state.counters = (confirmed, Some(pending));
            Welcome {
                connection: self.0.rng.id(&self.0.clock),
                counter: pending,
                epoch: state.epoch,
                resume: Stored { events: state.events.last().map_or(0, |event| event.sequence), ..Stored::default() },
                heartbeat: Millis::secs(15),
            }
        });
        let (text, _) = proven.authorize(&self.0.key, welcome, self.0.clock.now()).ok()?;
        ws.send(Message::text(text)).await.ok()?;
        self.state(|state| {
            // At least once: everything without an outcome is sent again.
            for (id, kind, signed) in &state.commands {
                if !state.outcomes.contains_key(id) {
                    drop(out.send(Frame::of_signed(*kind, signed.clone()).unwrap()));
                }
            }
            state.out = Some(out);
            state.connections += 1;
        });
        self.0.changed.notify_waiters();
        let mut first = true;
        loop {
            tokio::select! {
                text = hear(&mut ws) => {
                    let frame = Frame::parse(&text?).expect("agents write good frames");
                    if std::mem::take(&mut first) {
                        self.state(|state| state.counters = (pending, None));
                    }
                    if let Some(stored) = self.state(|state| receive(state, frame, &key)) {
                        ws.send(Message::text(Frame::Stored(stored).write().unwrap())).await.ok()?;
                    }
                    self.0.changed.notify_waiters();
                }
                frame = outgoing.recv() => ws.send(Message::text(frame?.write().unwrap())).await.ok()?,
            }
        }
    }
}

fn receive(state: &mut State, frame: Frame, key: &PublicKey) -> Option<Stored> {
    match frame {
        Frame::Result(signed) => {
            let outcome: Outcome = signed.open(Kind::Result, key).expect("signed by the node");
            let id = outcome.command;
            *state.deliveries.entry(id).or_default() += 1;
            let before = state.outcomes.insert(id, outcome.clone());
            assert!(before.is_none_or(|before| before == outcome), "an outcome never changes");
            Some(Stored { results: vec![id], ..Stored::default() })
        }
        Frame::Answer(signed) => {
            let answer: Answer = signed.open(Kind::Answer, key).expect("signed by the node");
            state.answers.insert(answer.command, answer);
            None
        }
        Frame::Ack(signed) => {
            let ack: sf_protocol::outcome::Accepted = signed.open(Kind::Ack, key).expect("signed by the node");
            state.acks.push(ack.command);
            None
        }
        Frame::StatusUpdate(update) => {
            let newest = state.events.last().map_or(0, |event| event.sequence);
            if update.sequence > newest {
                state.events.push(update.clone());
            }
            Some(Stored { events: update.sequence, ..Stored::default() })
        }
        Frame::LogStream(stream) => {
            let up_to = stream.lines.last().map_or(0, |line| line.sequence);
            for line in stream.lines {
                let before = state.lines.insert((stream.source, line.sequence), line.text.clone());
                assert!(before.is_none_or(|before| before == line.text), "a number never means two lines");
            }
            Some(Stored { logs: vec![LogStored { source: stream.source, up_to }], ..Stored::default() })
        }
        Frame::Witness(signed) => {
            state.witnessed.push(signed);
            None
        }
        Frame::ConsoleOutput(output) => {
            state.consoles.push(output);
            None
        }
        Frame::SystemLog(sample) => {
            state.samples += 1;
            state.held = sample.held.or(state.held.take());
            state.servers.extend(sample.servers.iter().map(|one| (one.server, *one)));
            Some(Stored { metrics: Some(sample.at), ..Stored::default() })
        }
        _ => None,
    }
}

pub async fn hear(ws: &mut Ws) -> Option<String> {
    loop {
        if let Message::Text(text) = ws.next().await?.ok()? {
            return Some(text.as_str().to_owned());
        }
    }
}
