//! Second connections at the control plane: whose they are, what they may move, and what becomes of whoever lies or stalls.

use anyhow::{Context, Result, bail};
use sf_actions::Actor;
use sf_control::queries::panel::files::FilesAsked;
use sf_control::queries::panel::transfers::{Download, More, Sending};
use sf_protocol::handshake::Nonce;
use sf_protocol::order::Order;
use sf_protocol::query::{Query, Reply};
use sf_protocol::server::{EntryKind, FileEntry, Transfer, TransferBegun, TransferEnd};
use sf_protocol::{Command, Frame, wire};
use sf_store::nodes::NodeStatus;
use sf_testkit::{Plane, Script, SimNode, Wire};
use sf_types::{CommandId, ErrorKind, Fault, RunId, ServerId, Timestamp};

use super::panel;

/// A server on a node of its own, and that node's first connection.
struct Scene {
    admin: Actor,
    node: SimNode,
    server: ServerId,
    wire: Wire,
}

impl Scene {
    async fn new(plane: &Plane) -> Result<Self> {
        let admin = plane.admin().await?;
        let node = plane.enrol(&admin).await?;
        let (server, install) = panel::server(plane, &admin, &node, "tiny").await?;
        let session = node.serve(&plane.nodes, &plane.dial(), Script::Quick).await?;
        plane.ended(install).await?;
        session.cut().await;
        let (wire, _) = node.connect(&plane.dial()).await?;
        Ok(Self { admin, node, server, wire })
    }

    /// What the node is asked next.
    async fn asked(&mut self) -> Result<(CommandId, Nonce)> {
        loop {
            let Frame::Query(signed) = self.wire.hear().await? else { continue };
            let command: Command = wire::parse(&signed.payload)?;
            if let Order::Query(Query::Transfer(wanted)) = command.order {
                anyhow::ensure!(wanted.server == self.server, "another server");
                return Ok((command.id, wanted.ticket));
            }
        }
    }

    async fn answer(&mut self, command: CommandId, begun: TransferBegun) -> Result<()> {
        Ok(self.wire.say(&self.node.reply(command, Reply::Transfer(begun))).await?)
    }

    /// A download of `bytes` bytes, and the connection that they come on.
    async fn download(&mut self, plane: &Plane, bytes: u64) -> Result<(Download, Wire)> {
        let (admin, server, node, dial) = (self.admin.clone(), self.server, self.node.clone(), plane.dial());
        let download = wanted(plane, &admin, server);
        let dialled = async {
            let (command, ticket) = self.asked().await?;
            self.answer(command, file(bytes)).await?;
            Ok::<_, anyhow::Error>(node.second(&dial, ticket).await?)
        };
        let (download, wire) = tokio::join!(download, dialled);
        Ok((download?, wire?))
    }
}

fn asks<'a>(plane: &Plane, actor: &'a Actor, server: ServerId) -> FilesAsked<'a> {
    FilesAsked { actor, request: plane.request(), server }
}

async fn wanted(plane: &Plane, actor: &Actor, server: ServerId) -> Result<Download, Fault> {
    let transfer = Transfer::File { path: "a".to_owned(), from: 0, bytes: u64::MAX };
    plane.control.download(asks(plane, actor, server), transfer).await
}

fn file(bytes: u64) -> TransferBegun {
    let (name, modified) = ("a".to_owned(), Timestamp::from_millis(1));
    let entry = FileEntry { name, kind: EntryKind::File, bytes, mode: 0o644, modified, links: 1, denied: false };
    TransferBegun::File { entry: Box::new(entry), bytes }
}

async fn refused(node: &SimNode, plane: &Plane, ticket: Nonce) -> Result<()> {
    let heard = match node.second(&plane.dial(), ticket).await {
        Ok(mut wire) => wire.hear_bytes().await,
        Err(error) => Err(error),
    };
    let error = heard.err().context("it is refused")?;
    anyhow::ensure!(error.code() == "transfer.ticket", "{error}");
    Ok(())
}

pub async fn a_ticket_is_worth_something_once_for_its_node_while_somebody_waits(plane: Plane) -> Result<()> {
    let mut scene = Scene::new(&plane).await?;
    let other = plane.enrol(&scene.admin).await?;
    let (admin, server, node) = (scene.admin.clone(), scene.server, scene.node.clone());
    let (download, tried) = tokio::join!(wanted(&plane, &admin, server), async {
        let (command, ticket) = scene.asked().await?;
        // Another node, with a good key of its own, and one that nobody was given.
        refused(&other, &plane, ticket).await?;
        refused(&node, &plane, Nonce::from_bytes([9; 32])).await?;
        scene.answer(command, file(6)).await?;
        let mut second = node.second(&plane.dial(), ticket).await?;
        second.put(b"hello\n".to_vec()).await?;
        // Taken, it is worth nothing any more: neither once more, nor on two connections.
        refused(&node, &plane, ticket).await?;
        second.put(Vec::new()).await?;
        Ok::<_, anyhow::Error>(())
    });
    tried?;
    let mut download = download?;
    assert_eq!(download.next().await?.context("bytes")?, "hello\n");
    assert!(download.next().await?.is_none());

    // Whoever asked has left.
    let (command, ticket) = tokio::select! {
        asked = scene.asked() => asked?,
        _ = wanted(&plane, &admin, server) => bail!("nobody answered"),
    };
    scene.answer(command, file(6)).await?;
    refused(&node, &plane, ticket).await?;

    // The first connection has never noticed any of it, and the node's counter has not moved.
    assert_eq!(plane.control.connected(), 1);
    assert_eq!(plane.node(node.id()).await?.status, NodeStatus::Online);
    let lines = plane.audited().await?;
    let taken: Vec<_> = lines.iter().filter(|line| line.action == "file.download").collect();
    assert_eq!((taken.len(), taken[0].target_id.as_str()), (1, &*server.to_string()));
    plane.stop().await;
    Ok(())
}

pub async fn what_is_not_what_was_said_is_cut_off(plane: Plane) -> Result<()> {
    let mut scene = Scene::new(&plane).await?;
    let cut_off = |next: Result<_, Fault>| match next {
        Err(fault) if fault.code == "transfer.cut_off" => Ok(()),
        other => Err(anyhow::anyhow!("{other:?}")),
    };
    // More than was said.
    let (mut download, mut second) = scene.download(&plane, 6).await?;
    second.put(b"hello\n!".to_vec()).await?;
    cut_off(download.next().await)?;
    // Less: its end is said too early, or it goes away.
    let (mut download, mut second) = scene.download(&plane, 6).await?;
    second.put(b"hello".to_vec()).await?;
    second.put(Vec::new()).await?;
    assert_eq!(download.next().await?.context("bytes")?, "hello");
    cut_off(download.next().await)?;
    let (mut download, second) = scene.download(&plane, 6).await?;
    drop(second);
    cut_off(download.next().await)?;
    // What is no bytes, and more of them in one message than there may be.
    let (mut download, mut second) = scene.download(&plane, 6).await?;
    second.say_text("{}".to_owned()).await?;
    cut_off(download.next().await)?;
    let (mut download, mut second) = scene.download(&plane, 1 << 20).await?;
    drop(second.put(vec![0; 80 * 1024]).await);
    cut_off(download.next().await)?;
    // A flood that nobody reads is taken as far as there is room, and no further.
    let (download, mut second) = scene.download(&plane, u64::MAX).await?;
    let mut put = 0_u64;
    let flood = async {
        while second.put(vec![0; 64 * 1024]).await.is_ok() {
            put += 64 * 1024;
        }
    };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(3), flood).await;
    anyhow::ensure!(ended.is_err() && put < 64 << 20, "{put} bytes were taken");
    // Whoever asked leaves: the node is told by the end of it.
    drop(download);
    let left = async { while second.put(vec![0; 64 * 1024]).await.is_ok() {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), left).await?;
    plane.stop().await;
    Ok(())
}

/// An upload's piece that is awaited, and the connection that it goes on.
async fn sending(scene: &mut Scene, plane: &Plane, upload: RunId, have: u64) -> Result<(More, Option<Wire>)> {
    let (admin, server, node, dial) = (scene.admin.clone(), scene.server, scene.node.clone(), plane.dial());
    let more = async { Ok(plane.control.send_more(asks(plane, &admin, server), upload, (10, 90)).await?) };
    let dialled = async {
        let (command, ticket) = scene.asked().await?;
        scene.answer(command, TransferBegun::Upload { have }).await?;
        Ok::<_, anyhow::Error>(if have == 10 { Some(node.second(&dial, ticket).await?) } else { None })
    };
    let (more, wire): (Result<More>, _) = tokio::join!(more, dialled);
    Ok((more?, wire?))
}

async fn goes(scene: &mut Scene, plane: &Plane, upload: RunId) -> Result<(Sending, Wire)> {
    match sending(scene, plane, upload, 10).await? {
        (More::Goes(sending), Some(wire)) => Ok((sending, wire)),
        other => bail!("{other:?}"),
    }
}

fn word(have: u64, fault: Option<Fault>) -> Result<String> {
    Ok(String::from_utf8(wire::write(&TransferEnd { have, fault }))?)
}

pub async fn an_upload_goes_to_its_node_which_has_the_last_word(plane: Plane) -> Result<()> {
    let mut scene = Scene::new(&plane).await?;
    let upload: RunId = sf_runtime::Rng::system().id(&sf_runtime::Clock::system());
    // It stands elsewhere: nothing is dialled.
    assert!(matches!(sending(&mut scene, &plane, upload, 7).await?, (More::Stands(7), None)));
    let (mut up, mut second) = goes(&mut scene, &plane, upload).await?;
    up.put(b"more".as_slice().into()).await?;
    assert_eq!(second.hear_bytes().await?, b"more");
    let (ended, said) = tokio::join!(up.end(), async {
        anyhow::ensure!(second.hear_bytes().await?.is_empty(), "the end of all");
        second.say_text(word(14, None)?).await?;
        Ok::<_, anyhow::Error>(())
    });
    said?;
    assert_eq!(ended?, 14);
    // It takes no more, and says why while more is on its way.
    let (mut up, mut second) = goes(&mut scene, &plane, upload).await?;
    let full = Fault::new(ErrorKind::TooLarge, "file.quota", "It is full.");
    second.say_text(word(12, Some(full))?).await?;
    let refused = loop {
        if let Err(fault) = up.put(vec![0_u8; 64 * 1024].into()).await {
            break fault;
        }
    };
    assert_eq!(refused.code, "file.quota");
    // It sends what it was not asked for, or goes away.
    let (mut up, mut second) = goes(&mut scene, &plane, upload).await?;
    second.put(vec![0; 10]).await?;
    while up.put(vec![0_u8; 1024].into()).await.is_ok() {}
    let (up, second) = goes(&mut scene, &plane, upload).await?;
    drop(second);
    assert_eq!(up.end().await.err().context("cut off")?.code, "transfer.cut_off");
    // Whoever sends is cut off: the node sees no end of all.
    let (mut up, mut second) = goes(&mut scene, &plane, upload).await?;
    up.put(b"half".as_slice().into()).await?;
    drop(up);
    assert_eq!(second.hear_bytes().await?, b"half");
    assert!(second.hear_bytes().await.is_err());
    plane.stop().await;
    Ok(())
}
