//! Two tenants, each with one of everything.

use std::sync::atomic::{AtomicU8, AtomicU16, Ordering};

use sf_actions::admission::{Admission, Decision, Inputs, Proposer, Record, SelfReport};
use sf_actions::app::Settings;
use sf_actions::deploy::{Deploy, DeployAction};
use sf_actions::{Action, ActorKind};
use sf_engine::{Run, RunState};
use sf_protocol::report::NodeFacts;
use sf_protocol::{Guard, Kind, SecretKey, Signed};
use sf_store::commands::{CommandState, StoredCommand};
use sf_store::nodes::NewNode;
use sf_store::testing::TestStore;
use sf_store::{Reader, Result, Scope, Store, Work, apps, commands, nodes, runs, tenants, users};
use sf_types::{AppId, NodeId, ProjectId, RunId, SessionId, TenantId, Timestamp, TypedId, UserId};

/// A store with two tenants that must not know of each other.
pub struct World {
    pub db: TestStore,
    pub store: Store,
    pub a: Side,
    pub b: Side,
}

/// One tenant.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    pub tenant: TenantId,
    pub project: ProjectId,
    pub user: UserId,
    pub node: NodeId,
    pub app: AppId,
}

impl Side {
    pub const fn scope(&self) -> Scope {
        Scope::Tenant(self.tenant)
    }
}

impl World {
    pub async fn new(db: TestStore) -> Self {
        let store = db.store.clone();
        let a = side(&store, "a").await;
        let b = side(&store, "b").await;
        Self { db, store, a, b }
    }

    pub fn now(&self) -> Timestamp {
        self.db.clock.now()
    }

    /// Lets time pass.
    pub fn pass(&self, millis: i64) {
        self.db.clock.set(Timestamp::from_millis(self.now().as_millis() + millis));
    }

    pub fn system(&self) -> Reader {
        self.store.read(Scope::System)
    }

    pub fn reader(&self, side: Side) -> Reader {
        self.store.read(side.scope())
    }

    /// Writes as the system.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'t> FnOnce(&'t mut sf_store::Tx) -> Work<'t, T> + Clone + Send + 'static,
        T: Send + 'static,
    {
        self.store.write(Scope::System, work).await
    }

    /// A stored run of a side's app, ready for its node.
    pub async fn run(&self, side: Side) -> Run {
        let run = new_run(side, self.now());
        let kept = run.clone();
        self.write(move |tx| Box::pin(async move { runs::insert(tx, &kept) })).await.unwrap();
        run
    }

    /// A stored command for a run, with the node's next number.
    pub async fn command(&self, run: &Run) -> StoredCommand {
        let (run, now) = (run.clone(), self.now());
        self.write(move |tx| {
            Box::pin(async move {
                let nodes::Reserved { epoch, sequence, .. } = nodes::reserve_sequence(tx, run.node.unwrap()).await?;
                let command = new_command(&run, epoch, sequence, now);
                commands::insert(tx, &command)?;
                Ok(command)
            })
        })
        .await
        .unwrap()
    }
}

async fn side(store: &Store, name: &'static str) -> Side {
    store
        .write(Scope::System, move |tx| {
            Box::pin(async move {
                let (tenant, project) = tenants::create(tx, name).await?;
                let user = users::create(tx, tenant.id, &format!("{name}@example.org"), name).await?;
                let node = nodes::create(tx, new_node(tenant.id, "box")).await?;
                let settings = Settings::of("https://git.example.org/shop");
                let app = tx.new_id();
                apps::create(tx, app, project.id, node.id, &"shop".parse().unwrap(), &settings).await?;
                Ok(Side { tenant: tenant.id, project: project.id, user: user.id, node: node.id, app })
            })
        })
        .await
        .unwrap()
}

/// Ids that differ from call to call.
pub fn id<I: TypedId>() -> I {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let n = NEXT.fetch_add(1, Ordering::SeqCst);
    I::from_parts(Timestamp::from_millis(1_767_225_600_000 + i64::from(n)), [n.to_be_bytes()[1]; 10])
}

pub fn key() -> SecretKey {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    SecretKey::from_seed(&[NEXT.fetch_add(1, Ordering::SeqCst); 32])
}

pub fn signed(text: &str) -> Signed {
    Signed::seal(Kind::Ack, &text, &SecretKey::from_seed(&[99; 32]))
}

pub fn new_node(tenant: TenantId, name: &str) -> NewNode {
    let facts = NodeFacts {
        host: name.into(),
        os: "Debian GNU/Linux 12".into(),
        kernel: "6.1".into(),
        arch: "x86_64".into(),
        cpus: 2,
        memory: 4 << 30,
        agent_version: "0.1.0".into(),
        root: false,
        enforces: vec!["seccomp".into()],
        policy: "root".into(),
        tools: Vec::new(),
    };
    NewNode {
        tenant,
        name: name.into(),
        public_key: key().public(),
        facts,
        epoch: 1,
        join_counter: 1,
        binding: "exporter".into(),
    }
}

pub fn new_run(side: Side, now: Timestamp) -> Run {
    Run {
        id: id::<RunId>(),
        tenant: side.tenant,
        project: Some(side.project),
        action: Action::Deploy(DeployAction::Deploy(Deploy {
            app: side.app,
            reference: None,
            commit: None,
            full: false,
        })),
        actor: ActorKind::Person { user: side.user, session: id::<SessionId>() },
        request: id(),
        node: Some(side.node),
        app: Some(side.app),
        server: None,
        state: RunState::Ready,
        stale: false,
        step: None,
        fault: None,
        decision: decision(),
        guard: Guard::default(),
        command: None,
        version: 1,
        opened_at: now,
        updated_at: now,
        closed_at: None,
        expires_at: Timestamp::from_millis(now.as_millis() + 3_600_000),
        held_until: None,
        parent: None,
    }
}

fn decision() -> Decision {
    let inputs = Inputs {
        action: "app.deploy".into(),
        risk: 35,
        destroys: false,
        proposer: Proposer::Person,
        report: SelfReport::Score(91),
        calibration: None,
        record: Some(Record { good: 3, bad: 1 }),
        auto_at: 90,
        notify_at: 70,
        never_auto: false,
        opens_gates: false,
        tainted: false,
        undoable: true,
        waived: false,
        frozen: false,
        frozen_by: None,
        passes_freeze: false,
        over_budget: None,
        quota_left: 10,
        draw_permille: 999,
        sample_permille: 30,
        undo: false,
    };
    Decision { admission: Admission::Auto, because: "a person asked".into(), confidence: None, sampled: false, inputs }
}

pub fn new_command(run: &Run, epoch: u64, sequence: u64, now: Timestamp) -> StoredCommand {
    let sealed = signed("order");
    StoredCommand {
        id: id(),
        tenant: run.tenant,
        run: Some(run.id),
        node: run.node.unwrap(),
        epoch,
        sequence,
        kind: Kind::Deploy,
        payload: sealed.payload,
        signature: sealed.signature,
        key_id: sealed.key_id,
        delegation: id::<RunId>().uuid(),
        state: CommandState::Ready,
        not_before: now,
        expires_at: Timestamp::from_millis(now.as_millis() + 60_000),
        created_at: now,
        sent_at: None,
        acked_at: None,
        done_at: None,
        accepted: None,
        result: None,
    }
}

/// Writes inside a scope and answers the result; the closure may use `?` and everything of `sf_store`.
#[macro_export]
macro_rules! write {
    ($store:expr, $scope:expr, |$tx:ident| $body:expr) => {
        $store.write($scope, move |$tx| Box::pin(async move { $body })).await
    };
}
