//! Bytes of a server's files, to and from its node: what a request moves, as fast as the slower side takes it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sf_actions::{Actor, Permission};
use sf_engine::{Done, Run, RunState};
use sf_protocol::query::{Query, Reply};
use sf_protocol::server::{
    FileEntry, FileLook, FilesSeen, ServerFilesWanted, Transfer, TransferBegun, TransferEnd, TransferWanted, Upload,
};
use sf_store::runs::{self, RunRecord};
use sf_types::{ErrorKind, Fault, RunId, ServerId, Timestamp};
use tokio::sync::{mpsc, oneshot};

use super::files::FilesAsked;
use crate::control::Control;
use crate::panel::transfers::{Arrived, Lane, PIECES_WAITING, Room, STALL_LIMIT};
use crate::queries::node::other_answer;

/// Life of a link, unless it is used before.
pub const LINK_LIFETIME: Duration = Duration::from_secs(60);
/// Links that nobody used yet, of all people.
pub const LINKS_MAX: usize = 4096;
/// The same of one person.
pub const LINKS_OF_ONE: usize = 64;
/// How long whoever begins an upload is let wait for its machine.
const BEGUN_WITHIN: Duration = Duration::from_secs(10);

/// Bytes from a node.
#[derive(Debug)]
pub struct Download {
    /// How the file is; `None` for a folder's archive.
    pub entry: Option<FileEntry>,
    /// Bytes that are still to come; `None` where that is not known.
    pub left: Option<u64>,
    pieces: mpsc::Receiver<Arrived>,
    _room: Room,
}

/// Bytes to a node.
#[derive(Debug)]
pub struct Sending {
    bytes: mpsc::Sender<Bytes>,
    end: oneshot::Receiver<TransferEnd>,
    _room: Room,
}

/// What became of a wish to send more of an upload.
#[derive(Debug)]
pub enum More {
    /// It is awaited.
    Goes(Sending),
    /// Others than the bytes from there on are awaited.
    Stands(u64),
}

/// A link that a browser can follow once, without a header.
#[derive(Debug)]
struct Link {
    actor: Actor,
    server: ServerId,
    path: String,
    until: Timestamp,
}

/// Links that nobody used yet.
#[derive(Debug, Default)]
pub(crate) struct DownloadLinks(Mutex<HashMap<[u8; 32], Link>>);

/// What a link leads to.
#[derive(Clone, Debug)]
pub struct Linked {
    /// Who asked for it.
    pub actor: Actor,
    /// Whose file.
    pub server: ServerId,
    /// Which file or folder.
    pub path: String,
}

impl Control {
    /// Uploads to a server that are neither finished nor given up.
    ///
    /// # Errors
    /// Not there, no right, or a node that does not answer.
    pub async fn uploads(&self, asked: FilesAsked<'_>) -> Result<Vec<Upload>, Fault> {
        let FilesAsked { actor, request, server } = asked;
        let query = Query::ServerFiles(Box::new(ServerFilesWanted { server, look: FileLook::Uploads }));
        match self.ask_of_server(actor, request, server, Permission::FileWrite, query).await? {
            Reply::ServerFiles(seen) => match *seen {
                FilesSeen::Uploads(uploads) => Ok(uploads),
                _ => Err(other_answer()),
            },
            _ => Err(other_answer()),
        }
    }

    /// One of them.
    ///
    /// # Errors
    /// As [`Control::uploads`], and `file.no_upload`.
    pub async fn upload(&self, asked: FilesAsked<'_>, upload: RunId) -> Result<Upload, Fault> {
        self.uploads(asked).await?.into_iter().find(|one| one.upload == upload).ok_or_else(no_upload)
    }

    /// The upload that a run began, once its machine has done so, and that run; `None` where that takes longer. Why it
    /// was not begun is an error.
    ///
    /// # Errors
    /// The run's own, or as [`Control::upload`].
    pub async fn begun_upload(&self, asked: FilesAsked<'_>, run: RunId) -> Result<Option<(Run, Upload)>, Fault> {
        let row = self.server_for(asked.actor, asked.server, Permission::FileWrite).await?;
        if !self.core().links.is_connected(row.node) {
            return Ok(None);
        }
        let mut events = self.bus().subscribe(asked.actor.scope(), [sf_bus::Topic::Run(run)]).ok();
        let wait = async {
            let reader = self.core().store.read(asked.actor.scope());
            loop {
                let record = runs::record(&reader, run).await?;
                let over = matches!(record.run.state, RunState::Done(_));
                let events = events.as_mut().filter(|_| !over);
                let heard = match events {
                    Some(events) => events.next().await,
                    None => None,
                };
                if heard.is_none() {
                    return Ok::<RunRecord, Fault>(record);
                }
            }
        };
        let Ok(record) = tokio::time::timeout(BEGUN_WITHIN, wait).await else { return Ok(None) };
        let record = record?;
        match (record.run.state, record.run.fault.clone()) {
            (RunState::Done(Done::Succeeded), _) => Ok(Some((record.run, self.upload(asked, run).await?))),
            (RunState::Done(_), Some(fault)) => Err(fault),
            _ => Ok(None),
        }
    }

    /// Whether somebody may upload to a server.
    ///
    /// # Errors
    /// Not there, or the right is missing.
    pub async fn may_upload(&self, asked: FilesAsked<'_>) -> Result<(), Fault> {
        self.server_for(asked.actor, asked.server, Permission::FileWrite).await.map(drop)
    }

    /// Lets a request send `bytes` more of an upload, from `from` on.
    ///
    /// # Errors
    /// Not there, no right, too many at once, or a node that does not answer or dial.
    pub async fn send_more(
        &self,
        asked: FilesAsked<'_>,
        upload: RunId,
        (from, bytes): (u64, u64),
    ) -> Result<More, Fault> {
        let server = asked.server;
        let row = self.server_for(asked.actor, server, Permission::FileWrite).await?;
        let ((sender, receiver), (end, ended)) = (mpsc::channel(PIECES_WAITING), oneshot::channel());
        let awaited = self.await_node(row.node, Lane::Up { bytes: receiver, end })?;
        let transfer = Transfer::Upload { upload, from, bytes };
        let wanted = TransferWanted { server, ticket: awaited.ticket(), transfer };
        match self.begin(asked, Permission::FileWrite, wanted).await? {
            TransferBegun::Upload { have } if have == from => {
                let room = awaited.dialled().await?;
                Ok(More::Goes(Sending { bytes: sender, end: ended, _room: room }))
            }
            TransferBegun::Upload { have } => Ok(More::Stands(have)),
            _ => Err(other_answer()),
        }
    }

    /// A file from a byte on, or a folder's archive. That it was read is recorded.
    ///
    /// # Errors
    /// Not there, no right, too many at once, or a node that does not answer or dial.
    pub async fn download(&self, asked: FilesAsked<'_>, transfer: Transfer) -> Result<Download, Fault> {
        let from = match &transfer {
            Transfer::File { from, .. } => *from,
            Transfer::Folder { .. } => 0,
            Transfer::Upload { .. } => return Err(other_answer()),
        };
        let row = self.server_for(asked.actor, asked.server, Permission::FileRead).await?;
        let (sender, pieces) = mpsc::channel(PIECES_WAITING);
        let awaited = self.await_node(row.node, Lane::Down(sender))?;
        let wanted = TransferWanted { server: asked.server, ticket: awaited.ticket(), transfer };
        let (entry, left) = match self.begin(asked, Permission::FileRead, wanted).await? {
            TransferBegun::File { entry, bytes } => (Some(*entry), Some(bytes)),
            TransferBegun::Folder => (None, None),
            TransferBegun::Upload { .. } => return Err(other_answer()),
        };
        let bytes = left.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
        let fields = vec![("bytes", bytes), ("from", from.to_string())];
        self.note_files_read(asked, "file.download", fields).await?;
        let room = awaited.dialled().await?;
        Ok(Download { entry, left, pieces, _room: room })
    }

    async fn begin(
        &self,
        asked: FilesAsked<'_>,
        right: Permission,
        wanted: TransferWanted,
    ) -> Result<TransferBegun, Fault> {
        let query = Query::Transfer(Box::new(wanted));
        match self.ask_of_server(asked.actor, asked.request, asked.server, right, query).await? {
            Reply::Transfer(begun) => Ok(begun),
            _ => Err(other_answer()),
        }
    }

    /// A link to a file or folder that is followed once, within [`LINK_LIFETIME`], by whoever has it.
    ///
    /// # Errors
    /// Not there, no right, or too many that nobody followed.
    pub async fn link_download(&self, asked: FilesAsked<'_>, path: String) -> Result<([u8; 32], Timestamp), Fault> {
        self.server_for(asked.actor, asked.server, Permission::FileRead).await?;
        let (now, token) = (self.now(), self.rng().bytes());
        let until = now.plus(LINK_LIFETIME);
        let link = Link { actor: asked.actor.clone(), server: asked.server, path, until };
        let mut links = self.core().download_links.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|_, link| link.until > now);
        let own = links.values().filter(|one| one.actor.user() == link.actor.user()).count();
        if links.len() >= LINKS_MAX || own >= LINKS_OF_ONE {
            let message = "There are too many links that nobody has followed.";
            let fault = Fault::new(ErrorKind::RateLimited, "download.links", message);
            return Err(fault.fix("Follow them, or wait a minute."));
        }
        links.insert(token, link);
        Ok((token, until))
    }

    /// What a link leads to. It leads nowhere afterwards.
    ///
    /// # Errors
    /// `download.not_found`.
    pub fn follow_download(&self, token: &[u8; 32]) -> Result<Linked, Fault> {
        let mut links = self.core().download_links.0.lock().unwrap_or_else(PoisonError::into_inner);
        let link = links.remove(token).filter(|link| link.until > self.now());
        let link = link.ok_or_else(|| {
            let message = "This link was followed already, or its minute is over.";
            Fault::new(ErrorKind::NotFound, "download.not_found", message).fix("Ask for the download again.")
        })?;
        Ok(Linked { actor: link.actor, server: link.server, path: link.path })
    }
}

impl Download {
    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// It is cut off, stalls, or more comes than there is.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        match tokio::time::timeout(STALL_LIMIT, self.pieces.recv()).await {
            Ok(Some(Arrived::Bytes(bytes))) => {
                if let Some(left) = &mut self.left {
                    *left = left.checked_sub(bytes.len() as u64).ok_or_else(cut_off)?;
                }
                Ok(Some(bytes))
            }
            Ok(Some(Arrived::End)) if self.left.unwrap_or(0) == 0 => Ok(None),
            _ => Err(cut_off()),
        }
    }
}

impl Sending {
    /// Sends on, once there is room.
    ///
    /// # Errors
    /// Why the node takes no more, where it said so.
    pub async fn put(&mut self, bytes: Bytes) -> Result<(), Fault> {
        let sent = tokio::time::timeout(STALL_LIMIT, self.bytes.send(bytes)).await;
        if matches!(sent, Ok(Ok(()))) {
            return Ok(());
        }
        let end = tokio::time::timeout(STALL_LIMIT, &mut self.end).await;
        match end {
            Ok(Ok(TransferEnd { fault: Some(fault), .. })) => Err(fault),
            _ => Err(cut_off()),
        }
    }

    /// That was all: what is there now.
    ///
    /// # Errors
    /// As [`Sending::put`].
    pub async fn end(mut self) -> Result<u64, Fault> {
        self.put(Bytes::new()).await?;
        match tokio::time::timeout(STALL_LIMIT, self.end).await {
            Ok(Ok(TransferEnd { have, fault: None })) => Ok(have),
            Ok(Ok(TransferEnd { fault: Some(fault), .. })) => Err(fault),
            _ => Err(cut_off()),
        }
    }
}

fn cut_off() -> Fault {
    let message = "The connection to the server's machine was cut off in the middle.";
    Fault::new(ErrorKind::Unavailable, "transfer.cut_off", message).fix("Go on from the bytes that are there.")
}

fn no_upload() -> Fault {
    let message = "There is no such upload; it was finished, given up, or never begun.";
    Fault::new(ErrorKind::NotFound, "file.no_upload", message).fix("Begin the upload anew.")
}
