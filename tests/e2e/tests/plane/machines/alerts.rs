//! What is wrong with machines, over the real protocol: told to a real receiver once, and a card while it is so.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sf_actions::Actor;
use sf_actions::node::{NodeAction, NodeRef};
use sf_control::approval::alerts::Trouble;
use sf_control::approval::inbox::{Card, Kind};
use sf_control::notify::{NewChannel, Wanted, Whose};
use sf_protocol::Frame;
use sf_protocol::report::NodeEvent;
use sf_runtime::{OnError, Tasks};
use sf_store::nodes::NodeStatus;
use sf_testkit::plane::WAIT;
use sf_testkit::{Plane, Script};
use sf_types::PageRequest;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Takes messages: its address, and their bodies as they come.
async fn receiver(tasks: &Tasks) -> Result<(String, mpsc::UnboundedReceiver<String>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (url, (give, bodies)) = (format!("http://{}/", listener.local_addr()?), mpsc::unbounded_channel());
    tasks.spawn("receiver", OnError::Log, take(listener, give));
    Ok((url, bodies))
}

async fn take(listener: TcpListener, give: mpsc::UnboundedSender<String>) -> std::io::Result<()> {
    loop {
        let mut stream = BufReader::new(listener.accept().await?.0);
        let (mut length, mut line) = (0, String::new());
        while stream.read_line(&mut line).await? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
        drop(give.send(String::from_utf8_lossy(&body).into_owned()));
    }
}

async fn troubles(plane: &Plane, admin: &Actor) -> Result<Vec<Trouble>> {
    let cards = plane.control.inbox(admin, Some(Kind::Alert), &PageRequest::default()).await?.items;
    let trouble = |card| match card {
        Card::Alert(alert) => Some(alert.trouble),
        _ => None,
    };
    Ok(cards.into_iter().filter_map(trouble).collect())
}

async fn next(bodies: &mut mpsc::UnboundedReceiver<String>) -> Result<String> {
    tokio::time::timeout(WAIT, bodies.recv()).await.context("a message in time")?.context("the receiver is there")
}

pub async fn silent_machines_and_copied_keys_are_told_with_their_cards(plane: Plane) -> Result<()> {
    let networks = vec!["127.0.0.0/8".parse()?];
    let plane = plane.reconfigured(|options| options.egress.allowed_networks = networks).await?;
    let admin = plane.admin().await?;
    let (url, mut bodies) = receiver(&plane.nodes).await?;
    let new = NewChannel { name: "ops".parse()?, to: Wanted::Webhook { url }, kinds: None, projects: None };
    plane.control.add_notification_channel(&admin, plane.request(), Whose::Own, new, false).await?;

    let node = plane.enrol(&admin).await?;
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    plane.until_node(node.id(), NodeStatus::Online).await?;
    session.cut().await;
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    ensure!(troubles(&plane, &admin).await?.is_empty(), "it may still come back");
    plane.pass(Duration::from_secs(301)).await?;
    plane.control.deliver_notices().await?;
    let told = next(&mut bodies).await?;
    ensure!(told.contains("A node is silent") && told.contains(&format!("/inbox/{}", node.id())), "{told}");
    ensure!(troubles(&plane, &admin).await? == [Trouble::Silent]);
    let back = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    plane.until_node(node.id(), NodeStatus::Online).await?;
    ensure!(troubles(&plane, &admin).await?.is_empty(), "it is back");

    let other = plane.enrol(&admin).await?;
    let copy = other.copied();
    let (mut wire, _) = other.connect(&plane.dial()).await?;
    let event = NodeEvent::Notice { code: "agent.started".to_owned(), message: "It started.".to_owned() };
    wire.say(&other.event(event)).await?;
    while !matches!(wire.hear().await?, Frame::Stored(_)) {}
    copy.connect(&plane.dial()).await.err().context("the copy is refused")?;
    plane.control.deliver_notices().await?;
    let told = next(&mut bodies).await?;
    ensure!(told.contains("A node is locked") && told.contains(&format!("/inbox/{}", other.id())), "{told}");
    ensure!(troubles(&plane, &admin).await? == [Trouble::Locked]);
    let unlock = NodeAction::Unlock(NodeRef { node: other.id() });
    plane.propose(&admin, sf_actions::Action::Node(unlock)).await?;
    ensure!(troubles(&plane, &admin).await?.is_empty(), "somebody has looked");
    ensure!(bodies.is_empty(), "each was told once");
    back.cut().await;
    plane.stop().await;
    Ok(())
}
