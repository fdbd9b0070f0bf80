//! Secrets on their way to a node.

use anyhow::{Context, Result, bail, ensure};
use sf_actions::app::{AppAction, Settings, Update};
use sf_actions::key::{KeyAction, KeyRef};
use sf_actions::process::{ProcessAction, ProcessVerb};
use sf_actions::secret::{CreateSecret, SecretAction, UpdateSecret};
use sf_actions::{Action, Actor, Variable};
use sf_control::{Made, Proposal, Proposed};
use sf_engine::{Done, RunState};
use sf_protocol::app::SecretVar;
use sf_protocol::handshake::{VERSIONS, Versions};
use sf_protocol::order::Order;
use sf_protocol::wire;
use sf_store::secrets;
use sf_testkit::people::deploy;
use sf_testkit::{Plane, Script, SimNode};
use sf_types::{AppId, Secret, SecretId};

const VALUE: &str = "canary-9d3e7a1c5b";

async fn give(plane: &Plane, actor: &Actor, action: SecretAction, value: &str) -> Result<SecretId> {
    let value = Some(Secret::new(value.to_owned()));
    let proposal = Proposal { value, ..Proposal::of(Action::Secret(action)) };
    match plane.control.propose(actor, plane.request(), proposal).await? {
        Proposed::Done(_, Made::Secret(secret)) => Ok(secret),
        other => bail!("expected a secret, got {other:?}"),
    }
}

async fn make(plane: &Plane, actor: &Actor) -> Result<SecretId> {
    let name = "api-key".parse().context("a name")?;
    let create = SecretAction::Create(CreateSecret {
        project: None,
        name,
        description: String::new(),
        environment: Default::default(),
    });
    give(plane, actor, create, VALUE).await
}

async fn renew(plane: &Plane, actor: &Actor, secret: SecretId, value: &str) -> Result<()> {
    let update = SecretAction::Update(UpdateSecret { secret, new_value: true, description: None, environment: None });
    give(plane, actor, update, value).await.map(drop)
}

/// Names the secret in the app's environment.
async fn use_it(plane: &Plane, actor: &Actor, app: AppId) -> Result<()> {
    let mut settings = Settings::of("https://git.example.org/team/app");
    settings.env = vec![
        Variable::value("COLOR", "green"),
        Variable::secret("API_KEY", "api-key".parse().context("a name")?),
        Variable::secret("SAME_KEY", "api-key".parse().context("a name")?),
    ];
    let update = Action::App(AppAction::Update(Box::new(Update { app, settings, from: None })));
    plane.propose(actor, update).await?;
    Ok(())
}

fn values(node: &SimNode, app: AppId, vars: &[SecretVar]) -> Result<Vec<(String, u32, String)>> {
    let one = |var: &SecretVar| {
        let value = var.open(app, node.key())?;
        Ok((var.name.clone(), var.version, value.expose().clone()))
    };
    vars.iter().map(one).collect()
}

pub async fn a_secret_reaches_its_node_alone_and_an_older_agent_gets_none(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let (node, other) = (plane.enrol(&admin).await?, plane.enrol(&admin).await?);
    let (shop, plain) = (plane.app(&admin, node.id(), "shop").await?, plane.app(&admin, node.id(), "plain").await?);
    let secret = make(&plane, &admin).await?;
    use_it(&plane, &admin, shop).await?;

    // An agent of version 1 is given none, and goes on with everything else.
    node.speak(Versions { min: 1, max: 1 });
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let refused = plane.ended(plane.deploy(&admin, shop).await?).await?;
    assert_eq!(refused.fault.context("a fault")?.code, "secret.agent_too_old");
    let fine = plane.ended(plane.deploy(&admin, plain).await?).await?;
    assert_eq!(fine.state, RunState::Done(Done::Succeeded));
    session.cut().await;

    node.speak(VERSIONS);
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let run = plane.deploy(&admin, shop).await?;
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    let command = node.began().pop().context("an order")?;
    let Order::Deploy(ordered) = &command.order else { bail!("a deploy: {command:?}") };
    let given = |name: &str| (name.to_owned(), 1, VALUE.to_owned());
    assert_eq!(values(&node, shop, &ordered.app.secrets)?, [given("API_KEY"), given("SAME_KEY")]);
    assert_eq!(ordered.app.env.len(), 1, "the others are not in clear");
    assert_eq!((command.guard.secrets.len(), command.guard.secrets[0].version), (1, 1));
    ensure!(values(&other, shop, &ordered.app.secrets).is_err(), "another node");
    ensure!(values(&node, plain, &ordered.app.secrets).is_err(), "another app");
    let proof = plane.control.proof(&admin, run).await?;
    ensure!(!String::from_utf8_lossy(&proof.signed.payload).contains(VALUE));

    // A newer version comes with the next restart, and the app says that it waits.
    let pending = async || {
        Ok::<_, anyhow::Error>(plane.control.secrets_pending(&admin, &plane.control.app(&admin, shop).await?).await?)
    };
    ensure!(pending().await?.is_empty());
    renew(&plane, &admin, secret, "newer-9d3e7a1c5b").await?;
    assert_eq!(pending().await?.len(), 1);
    for (verb, count) in [(ProcessVerb::Stop, 0), (ProcessVerb::Restart, 2), (ProcessVerb::Restart, 0)] {
        let run = plane.open_run(&admin, Action::Process(ProcessAction { app: shop, verb })).await?;
        assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
        let command = node.began().pop().context("an order")?;
        let Order::AppAction(action) = &command.order else { bail!("an action: {command:?}") };
        let newer = values(&node, shop, &action.secrets)?;
        assert_eq!(newer.len(), count, "{verb:?}");
        ensure!(newer.iter().all(|(_, version, value)| *version == 2 && value.starts_with("newer")), "{newer:?}");
    }
    ensure!(pending().await?.is_empty());

    // One that does not open ends the run that needs it, and the node's connection goes on.
    let row = secrets::get(&plane.control.store().read(admin.scope()), secret).await?;
    let damage = plane.control.store().write(admin.scope(), move |tx| {
        Box::pin(async move { secrets::add_version(tx, &row, None, vec![1; 64]).await })
    });
    damage.await?;
    let damaged = plane.ended(plane.deploy(&admin, shop).await?).await?;
    assert_eq!(damaged.fault.context("a fault")?.code, "secret.damaged");
    let fine = plane.ended(plane.deploy(&admin, plain).await?).await?;
    assert_eq!(fine.state, RunState::Done(Done::Succeeded));

    for entry in std::fs::read_dir(plane.folder())? {
        let bytes = std::fs::read(entry?.path()).unwrap_or_default();
        ensure!(!bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes()), "in a file of the control plane");
    }
    plane.stop().await;
    Ok(())
}

pub async fn what_was_agreed_to_names_its_versions(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let shop = plane.app(&admin, node.id(), "shop").await?;
    let secret = make(&plane, &admin).await?;
    use_it(&plane, &admin, shop).await?;
    let proposal = Proposal { confidence: Some(40.0), ..Proposal::of(deploy(shop)) };
    let Proposed::Open(waiting) = plane.control.propose(&Plane::ai_of(&admin), plane.request(), proposal).await? else {
        bail!("an unsure AI asks");
    };
    assert_eq!(waiting.guard.secrets.iter().map(|one| one.version).collect::<Vec<_>>(), [1]);
    let card = async || {
        let card = sf_store::approvals::open_of_run(&plane.control.store().read(admin.scope()), waiting.id).await?;
        Ok::<_, anyhow::Error>(card.context("a card")?.hash)
    };
    let approve = |hash: String| {
        let decide = sf_actions::run::Decide { run: waiting.id, hash, comment: None };
        plane.propose(&admin, Action::Run(sf_actions::run::RunAction::Approve(decide)))
    };
    let before = card().await?;
    renew(&plane, &admin, secret, "newer").await?;
    // What was seen is not what would be done any more.
    ensure!(approve(before.clone()).await.is_err() && card().await? != before);
    approve(card().await?).await?;
    // Agreed to, held for its few seconds, and another one meanwhile.
    renew(&plane, &admin, secret, "newest").await?;
    plane.pass(std::time::Duration::from_secs(6)).await?;
    plane.ended(waiting.id).await?;
    let command = node.began().pop().context("an order")?;
    let Order::Deploy(ordered) = &command.order else { bail!("a deploy: {command:?}") };
    // The order says what was agreed to beside what it brings: the agent finds that it is another and refuses.
    assert_eq!((command.guard.secrets[0].version, ordered.app.secrets[0].version), (2, 3));
    ensure!(!String::from_utf8(wire::write(&command))?.contains(VALUE));
    plane.stop().await;
    Ok(())
}

pub async fn a_deploy_key_reaches_its_node_alone_with_deploys_by_ssh(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let (node, other) = (plane.enrol(&admin).await?, plane.enrol(&admin).await?);
    let (shop, plain) = (plane.app(&admin, node.id(), "shop").await?, plane.app(&admin, node.id(), "plain").await?);
    let repository = async |url: &str| {
        let update = Update { app: shop, settings: Settings::of(url), from: None };
        plane.propose(&admin, Action::App(AppAction::Update(Box::new(update)))).await
    };
    repository("git@git.example.org:team/shop").await?;
    plane.propose(&admin, Action::Key(KeyAction::Create(KeyRef { app: shop }))).await?;
    let shown = plane.control.deploy_key(&admin, shop).await?.context("a key")?;

    // An agent that knows no deploy keys is given none, and goes on with everything else.
    node.speak(Versions { min: 1, max: 3 });
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let refused = plane.ended(plane.deploy(&admin, shop).await?).await?;
    assert_eq!(refused.fault.context("a fault")?.code, "deploykey.agent_too_old");
    let fine = plane.ended(plane.deploy(&admin, plain).await?).await?;
    assert_eq!(fine.state, RunState::Done(Done::Succeeded));
    session.cut().await;

    node.speak(VERSIONS);
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let ordered = async |app: AppId| {
        let run = plane.deploy(&admin, app).await?;
        assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
        let command = node.began().pop().context("an order")?;
        let Order::Deploy(deploy) = command.order else { bail!("a deploy: {command:?}") };
        Ok((run, deploy.key))
    };
    let (run, key) = ordered(shop).await?;
    let key = key.context("a key")?;
    let private = key.open(shop, node.key())?;
    let read = sf_identity::root::read_openssh(private.expose().as_bytes(), "the order")?;
    let (public, fingerprint) = sf_identity::root::public_openssh(&read.public(), "serverflow shop");
    assert_eq!((public, fingerprint), (shown.public, shown.fingerprint), "the halves belong together");
    ensure!(key.open(shop, other.key()).is_err() && key.open(plain, node.key()).is_err());
    let proof = plane.control.proof(&admin, run).await?;
    ensure!(!String::from_utf8_lossy(&proof.signed.payload).contains("PRIVATE KEY"));
    ensure!(ordered(plain).await?.1.is_none(), "another app's");

    // What is not read by ssh needs none; without it, the node's own key is used again.
    repository("https://git.example.org/team/shop").await?;
    ensure!(ordered(shop).await?.1.is_none());
    repository("ssh://git@git.example.org/team/shop").await?;
    ensure!(ordered(shop).await?.1.is_some());
    plane.propose(&admin, Action::Key(KeyAction::Delete(KeyRef { app: shop }))).await?;
    ensure!(ordered(shop).await?.1.is_none());
    plane.stop().await;
    Ok(())
}
