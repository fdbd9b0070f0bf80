//! What is true after work on an app.

use sf_protocol::outcome::DeployFacts;
use sf_types::{AppId, ReleaseId};

use super::super::node::Node;
use super::super::progress::Progress;
use crate::release::Manifest;

impl Node {
    /// What is true of an app and its releases after work on `release`.
    pub(in crate::execute) fn deploy_facts(
        &self,
        app: AppId,
        release: ReleaseId,
        manifest: Option<&Manifest>,
        progress: &Progress,
    ) -> DeployFacts {
        let state = self.app_facts(app, None);
        DeployFacts {
            release,
            commit: manifest.map(|manifest| manifest.revision.commit.clone()),
            subject: manifest.map(|manifest| manifest.revision.subject.clone()),
            builder: manifest.map(|manifest| manifest.plan.builder),
            live_release: state.live_release,
            port: state.port,
            kept: self.kept(app),
            timings: progress.timings(),
            generation: state.generation,
            state: state.state,
            path: None,
        }
    }
}
