//! Files of a server, as its node has them. They hold secrets: who looks into one is in the audit.

use sf_actions::{Actor, Permission};
use sf_protocol::query::{Query, Reply};
use sf_protocol::server::{
    FileEntry, FileLook, FileMatches, FilePiece, FilesSeen, FilesUsage, FolderPage, ServerFilesWanted,
};
use sf_store::audit::Entry;
use sf_store::{StoreError, servers};
use sf_types::{Fault, RequestId, ServerId};

use crate::control::Control;
use crate::queries::node::other_answer;
use crate::transition::actor_words;

/// Who asks, by which request, about whose files.
#[derive(Clone, Copy, Debug)]
pub struct FilesAsked<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// By this request.
    pub request: RequestId,
    /// About the files of this server.
    pub server: ServerId,
}

impl Control {
    /// A page of a folder.
    ///
    /// # Errors
    /// Not there, no right, or a node that does not answer; the same of the others.
    pub async fn server_folder(
        &self,
        asked: FilesAsked<'_>,
        path: String,
        after: Option<String>,
        rows: u16,
    ) -> Result<FolderPage, Fault> {
        match self.look_at_files(asked, FileLook::List { path, after, rows }).await? {
            FilesSeen::Listing(page) => Ok(page),
            _ => Err(other_answer()),
        }
    }

    /// What is at a path.
    ///
    /// # Errors
    /// As [`Control::server_folder`].
    pub async fn server_file(&self, asked: FilesAsked<'_>, path: String) -> Result<FileEntry, Fault> {
        match self.look_at_files(asked, FileLook::Stat { path }).await? {
            FilesSeen::Entry(entry) => Ok(entry),
            _ => Err(other_answer()),
        }
    }

    /// A piece of a file.
    ///
    /// # Errors
    /// As [`Control::server_folder`].
    pub async fn server_file_piece(&self, asked: FilesAsked<'_>, path: String, from: u64) -> Result<FilePiece, Fault> {
        let piece = match self.look_at_files(asked, FileLook::Read { path: path.clone(), from }).await? {
            FilesSeen::Piece(piece) => piece,
            _ => return Err(other_answer()),
        };
        let hash = piece.hash.map_or_else(|| "-".to_owned(), |hash| hash.to_string());
        let fields = vec![("before", hash), ("bytes", piece.entry.bytes.to_string()), ("from", from.to_string())];
        self.note_files_read(asked, "file.read", fields).await?;
        Ok(piece)
    }

    /// What is found below a folder, by name or by what is in files.
    ///
    /// # Errors
    /// As [`Control::server_folder`].
    pub async fn server_files_found(&self, asked: FilesAsked<'_>, search: FileLook) -> Result<FileMatches, Fault> {
        let reads = matches!(search, FileLook::Text { .. });
        let found = match self.look_at_files(asked, search).await? {
            FilesSeen::Matches(found) => found,
            _ => return Err(other_answer()),
        };
        if reads {
            let fields = vec![("count", found.matches.len().to_string())];
            self.note_files_read(asked, "file.search", fields).await?;
        }
        Ok(found)
    }

    /// What all of it takes.
    ///
    /// # Errors
    /// As [`Control::server_folder`].
    pub async fn server_files_usage(&self, asked: FilesAsked<'_>) -> Result<FilesUsage, Fault> {
        match self.look_at_files(asked, FileLook::Usage).await? {
            FilesSeen::Usage(usage) => Ok(usage),
            _ => Err(other_answer()),
        }
    }

    async fn look_at_files(&self, asked: FilesAsked<'_>, look: FileLook) -> Result<FilesSeen, Fault> {
        let FilesAsked { actor, request, server } = asked;
        let query = Query::ServerFiles(Box::new(ServerFilesWanted { server, look }));
        match self.ask_of_server(actor, request, server, Permission::FileRead, query).await? {
            Reply::ServerFiles(seen) => Ok(*seen),
            _ => Err(other_answer()),
        }
    }

    pub(super) async fn note_files_read(
        &self,
        asked: FilesAsked<'_>,
        action: &str,
        fields: Vec<(&'static str, String)>,
    ) -> Result<(), Fault> {
        let actor = asked.actor;
        let row = servers::get(&self.core().store.read(actor.scope()), asked.server).await?;
        let (actor_kind, actor_ref) = actor_words(actor.kind);
        let entry = Entry {
            tenant: Some(actor.tenant),
            project: Some(row.project),
            actor_kind: actor_kind.to_owned(),
            actor_ref,
            action: action.to_owned(),
            target_kind: "server".to_owned(),
            target_id: asked.server.to_string(),
            run: None,
            request: Some(asked.request),
            outcome: "succeeded".to_owned(),
            fields,
            personal: Vec::new(),
        };
        let written = self.core().store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                tx.audit(entry);
                Ok::<_, StoreError>(())
            })
        });
        Ok(written.await?)
    }
}
