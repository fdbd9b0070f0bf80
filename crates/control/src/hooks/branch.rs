//! Pushes and pull requests of branches that the app itself is not deployed from: they are previewed, where its previews say so.

use sf_actions::Action;
use sf_actions::preview::{DeployPreview, PreviewAction};
use sf_engine::preview::{self, Known, Verdict};
use sf_engine::push::{Past, Push, Request};
use sf_store::apps::App;
use sf_store::hooks::{self, Delivery, Hook, Outcome};
use sf_store::previews::{self, Preview};
use sf_store::{Reader, apps, releases};
use sf_types::{Fault, Scope};

use super::deliver::{Pushed, Pushing, known, under_way};
use crate::control::Control;
use crate::receive::found;
use crate::transition::After;

/// What somebody has sent of a branch.
#[derive(Clone, Copy)]
pub(super) enum Sent<'a> {
    Push(&'a Push),
    Request(&'a Request),
}

impl Sent<'_> {
    fn branch(&self) -> &str {
        match self {
            Self::Push(push) => &push.branch,
            Self::Request(request) => &request.branch,
        }
    }
}

impl Control {
    /// Judges what was sent of a branch by the app's previews; `None` where it has none, so that it is judged as any other push.
    pub(super) async fn judge_branch(
        &self,
        hook: &Hook,
        app: &App,
        sent: Sent<'_>,
        kept: Delivery,
    ) -> Result<Option<Pushed>, Fault> {
        let reader = self.core().store.read(Scope::Tenant(hook.tenant));
        let there = previews::of_branch(&reader, app.id, sent.branch()).await?;
        let Some(wanted) = previews::wanted(&reader, app.id).await? else {
            return match (there, sent) {
                // Those that are there end with their branch, also where there are no new ones.
                (Some(there), Sent::Push(push)) if push.commit.is_none() => {
                    let why = format!("The branch `{}` was deleted.", push.branch);
                    self.end_preview(&there, why, kept).await.map(Some)
                }
                _ => Ok(None),
            };
        };
        let own = hook.settings.0.branch.as_deref().or(app.settings.0.reference.as_deref());
        let pushes = hooks::pushes(&reader, hook.id, sent.branch()).await?;
        let live = match &there {
            Some(there) => live_commit(&reader, there).await?,
            None => None,
        };
        let past = Past { pushes: &pushes, live: live.as_deref() };
        let known_of = Known { own, has_one: there.is_some(), paths: &hook.settings.0.paths, past };
        let settings = &wanted.settings.0;
        let verdict = match sent {
            Sent::Push(push) => preview::judge(push, settings, known_of, self.now()),
            Sent::Request(request) => preview::judge_request(request, settings, known_of),
        };
        let pushed = match (verdict, there) {
            (Verdict::Ignore { why, heard }, _) => self.keep(Delivery { reason: why, heard, ..kept }).await,
            (Verdict::End(why), Some(there)) => self.end_preview(&there, why, kept).await,
            (Verdict::End(why), None) => self.keep(Delivery { reason: why, ..kept }).await,
            (Verdict::Make { commit, because }, there) => {
                let delivery = Delivery { outcome: Outcome::Preview, reason: because, heard: true, ..kept };
                self.preview_pushed(hook, app, there, (sent.branch(), commit), delivery).await
            }
        };
        pushed.map(Some)
    }

    async fn preview_pushed(
        &self,
        hook: &Hook,
        app: &App,
        there: Option<Preview>,
        (branch, commit): (&str, String),
        delivery: Delivery,
    ) -> Result<Pushed, Fault> {
        let reader = self.core().store.read(Scope::Tenant(hook.tenant));
        // A git host tells of one commit twice: by the push, and by the request.
        if let Some(there) = there.filter(|there| there.commit.as_ref() == Some(&commit) && there.ends_why.is_none())
            && let Some(row) = found(apps::get(&reader, there.app).await)?
        {
            let run = under_way(&reader, &row, &commit).await?;
            if there.deployed_at != Some(there.pushed_at) || run.is_some() {
                return self.keep(known(delivery, run)).await;
            }
        }
        let action =
            PreviewAction::Deploy(DeployPreview { app: app.id, branch: branch.to_owned(), commit: Some(commit) });
        self.propose_pushed(hook, app, Action::Preview(action), Pushing::of_preview(delivery)).await
    }

    async fn end_preview(&self, there: &Preview, why: String, kept: Delivery) -> Result<Pushed, Fault> {
        let (branch, parent, said) = (there.branch.clone(), there.parent, why.clone());
        let after = self.core().store.write(Scope::Tenant(there.tenant), move |tx| {
            let (branch, said) = (branch.clone(), said.clone());
            Box::pin(async move {
                let mut after = After::default();
                if let Some(preview) = previews::of_branch(tx, parent, &branch).await? {
                    crate::previews::end(tx, preview, &said, &mut after).await?;
                }
                Ok(after)
            })
        });
        self.deliver(after.await?);
        let reason = format!("{why} Its preview at {} is being deleted.", there.domain);
        self.keep(Delivery { outcome: Outcome::Preview, reason, heard: true, ..kept }).await
    }
}

/// The commit that a preview serves.
async fn live_commit(reader: &Reader, preview: &Preview) -> Result<Option<String>, Fault> {
    let Some(row) = found(apps::get(reader, preview.app).await)? else { return Ok(None) };
    let Some(live) = row.live_release else { return Ok(None) };
    Ok(found(releases::get(reader, live).await)?.and_then(|release| release.commit))
}
