//! Files of an app's live release, as its node has them, and what a change of one would do.

use sf_actions::patch::PatchAction;
use sf_actions::{Action, Actor, Permission};
use sf_protocol::patch::{FileChunk, FileListing, FilesWanted, Preview, Proposed};
use sf_protocol::query::{Query, Reply};
use sf_store::audit::Entry;
use sf_store::{StoreError, apps, nodes, runs};
use sf_types::{AppId, ErrorKind, Fault, FilePath, FileState, RequestId, RunId};

use super::node::other_answer;
use crate::control::Control;
use crate::patches;
use crate::transition::actor_words;

/// A file that changes while it is read in pieces is begun again this often.
const TRIES: usize = 3;

impl Control {
    /// A page of the files of an app's live release.
    ///
    /// # Errors
    /// Not there, no right, or a node that does not answer.
    pub async fn files(&self, actor: &Actor, request: RequestId, wanted: FilesWanted) -> Result<FileListing, Fault> {
        match self.look_into(actor, request, Permission::PatchView, wanted.app, Query::Files(wanted)).await? {
            Reply::Files(listing) => Ok(*listing),
            _ => Err(other_answer()),
        }
    }

    /// What is in a file: whole. Files hold secrets, so it needs the right to change them.
    ///
    /// # Errors
    /// Not there, no right, no text, too large, or a node that does not answer.
    pub async fn file(
        &self,
        actor: &Actor,
        request: RequestId,
        app: AppId,
        path: FilePath,
    ) -> Result<FileChunk, Fault> {
        for _ in 0..TRIES {
            let mut whole = self.piece(actor, request, app, &path, 0).await?;
            while let Some(from) = whole.next {
                let more = self.piece(actor, request, app, &path, from).await?;
                if more.state != whole.state {
                    break;
                }
                whole.text.push_str(&more.text);
                whole.next = more.next;
            }
            if whole.next.is_none() {
                self.note_reading(actor, request, app, (whole.state, whole.size)).await?;
                return Ok(whole);
            }
        }
        let message = format!("{path} changes while it is read.");
        Err(Fault::new(ErrorKind::Conflict, "patch.moving", message).fix("Try again in a moment."))
    }

    /// Files hold secrets: who read one is in the audit.
    async fn note_reading(
        &self,
        actor: &Actor,
        request: RequestId,
        app: AppId,
        (state, size): (FileState, u32),
    ) -> Result<(), Fault> {
        let row = apps::get(&self.core().store.read(actor.scope()), app).await?;
        let (actor_kind, actor_ref) = actor_words(actor.kind);
        let entry = Entry {
            tenant: Some(actor.tenant),
            project: Some(row.project),
            actor_kind: actor_kind.to_owned(),
            actor_ref,
            action: "file.read".to_owned(),
            target_kind: "app".to_owned(),
            target_id: app.to_string(),
            run: None,
            request: Some(request),
            outcome: "succeeded".to_owned(),
            fields: vec![("before", state.to_string()), ("bytes", size.to_string())],
            personal: Vec::new(),
        };
        let store = self.core().store.clone();
        let written = store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                tx.audit(entry);
                Ok::<_, StoreError>(())
            })
        });
        Ok(written.await?)
    }

    async fn piece(
        &self,
        actor: &Actor,
        request: RequestId,
        app: AppId,
        path: &FilePath,
        from: u32,
    ) -> Result<FileChunk, Fault> {
        let query = Query::File { app, path: path.clone(), from };
        match self.look_into(actor, request, Permission::PatchApply, app, query).await? {
            Reply::File(chunk) => Ok(*chunk),
            _ => Err(other_answer()),
        }
    }

    /// What a change of a file would do: nothing is done.
    ///
    /// # Errors
    /// Not there, no right, a change that cannot be, or a node that does not answer.
    pub async fn preview(&self, actor: &Actor, request: RequestId, proposed: Proposed) -> Result<Preview, Fault> {
        let (app, query) = (proposed.app, Query::Preview(Box::new(proposed)));
        match self.look_into(actor, request, Permission::PatchApply, app, query).await? {
            Reply::Preview(preview) => Ok(*preview),
            _ => Err(other_answer()),
        }
    }

    /// What the change that a run proposes would do now: for whoever decides on it.
    ///
    /// # Errors
    /// Not there, no patch, no right at its app, or as [`Control::preview`].
    pub async fn preview_of(&self, actor: &Actor, request: RequestId, run: RunId) -> Result<Preview, Fault> {
        let run = runs::get(&self.view(actor, Permission::AppView)?, run).await?;
        let Action::Patch(PatchAction::Apply(args) | PatchAction::Force(args)) = &run.action else {
            let message = "This run changes no file.";
            return Err(Fault::new(ErrorKind::Conflict, "patch.other_run", message).fix("Look at the run itself."));
        };
        let change = args.change();
        let proposed = Proposed { app: args.app, path: change.path, before: Some(change.before), edit: change.edit };
        let preview = self.preview(actor, request, proposed).await?;
        self.note_reading(actor, request, args.app, (preview.before, preview.size_before)).await?;
        Ok(preview)
    }

    async fn look_into(
        &self,
        actor: &Actor,
        request: RequestId,
        permission: Permission,
        app: AppId,
        query: Query,
    ) -> Result<Reply, Fault> {
        let row = apps::get(&self.view(actor, permission)?, app).await?;
        if row.live_release.is_none() {
            let message = format!("`{}` was never deployed.", row.name);
            return Err(Fault::new(ErrorKind::Conflict, "app.never_deployed", message).fix("Deploy it first."));
        }
        let node = nodes::get(&self.core().store.read(actor.scope()), row.node).await?;
        patches::speaks(self.core(), node.id)?;
        self.ask(actor, request, &node, query).await
    }
}
