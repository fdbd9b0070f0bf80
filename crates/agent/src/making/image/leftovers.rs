//! What is with the engine and belongs to nothing any more.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use sf_containers::{Engine, EngineError};
use sf_types::{AppId, NodeId, ReleaseId};

use super::{OURS, container_name, label, repository};

/// A build that was broken off still ends its step for a moment: looks at the most, the pause between two, and how many
/// in a row have to find nothing.
const LOOKS_MAX: usize = 50;
const LOOK_AGAIN: Duration = Duration::from_millis(200);
const QUIET: usize = 2;

/// What is marked with during a build.
pub fn mark(node: NodeId, app: AppId) -> String {
    format!("{node}.{app}")
}

/// Whether something that carries a build's mark is of its making and no result: what is made of a result is somebody's.
pub fn is_left(labels: &BTreeMap<String, String>) -> bool {
    labels.contains_key(label::BUILD) && !labels.contains_key(label::RELEASE)
}

/// Takes away what a build left, or with `keep` gives it to that release: results of other stages are its cache.
pub async fn after_build(
    engine: &Engine,
    node: NodeId,
    app: AppId,
    keep: Option<ReleaseId>,
) -> Result<(), EngineError> {
    let mark = format!("{}={}", label::BUILD, mark(node, app));
    let mut quiet = 0;
    for _ in 0..LOOKS_MAX {
        let containers = engine.containers(&[("label", &mark)], false).await?;
        let mut found = false;
        for container in containers.iter().filter(|one| is_left(&one.labels)) {
            found = true;
            engine.remove(&container.id).await?;
        }
        let images = engine.images(&[("label", &mark), ("dangling", "true")]).await?;
        for (at, image) in images.iter().enumerate() {
            match keep {
                Some(release) => {
                    engine.tag(&image.id, &repository(node, app), &format!("{release}-stage{at}")).await?;
                }
                None => {
                    found = true;
                    remove(engine, &image.id).await?;
                }
            }
        }
        quiet = if found { 0 } else { quiet + 1 };
        if keep.is_some() || quiet >= QUIET {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Removes images of an app whose release `exists` no more.
///
/// # Errors
/// [`EngineError`]; call it again to go on.
pub async fn tidy(
    engine: &Engine,
    node: NodeId,
    app: AppId,
    exists: impl Fn(ReleaseId) -> bool,
) -> Result<(), EngineError> {
    let ours = repository(node, app);
    let prefix = format!("{ours}:");
    for image in engine.images(&[("reference", &ours)]).await? {
        let tags = image.tags.iter().filter_map(|tag| Some((tag, tag.strip_prefix(&prefix)?)));
        for (tag, _) in tags.filter(|(_, tag)| release_of(tag).is_none_or(|release| !exists(release))) {
            remove(engine, tag).await?;
        }
    }
    Ok(())
}

/// Removes whatever is this node's and belongs to no release: containers that nobody `holds`, images of which no release
/// `exists`, what killed builds left. Call it when nothing is being built.
///
/// # Errors
/// [`EngineError`]; call it again to go on.
pub async fn sweep(
    engine: &Engine,
    node: NodeId,
    exists: impl Fn(AppId, ReleaseId) -> bool,
    holds: impl Fn(ReleaseId) -> bool,
) -> Result<(), EngineError> {
    let of_node = format!("{}={node}", label::NODE);
    for container in engine.containers(&[("label", &of_node)], false).await? {
        let release = container.labels.get(label::RELEASE).and_then(|text| text.parse().ok());
        // What somebody runs of our images by hand has another name.
        let ours = release.filter(|release| container.names.contains(&container_name(*release)));
        if ours.is_some_and(|release| !holds(release)) {
            tracing::warn!(?release, "a container that belongs to nothing is removed");
            engine.remove(&container.id).await?;
        }
    }
    let all = engine.images(&[("reference", &format!("{OURS}/{node}/*"))]).await?;
    let names = all.iter().flat_map(|image| &image.tags).filter_map(|tag| tag.split_once(':'));
    let apps: HashSet<AppId> = names.filter_map(|(name, _)| name.rsplit('/').next()?.parse().ok()).collect();
    for app in apps {
        tidy(engine, node, app, |release| exists(app, release)).await?;
    }
    let left = engine.images(&[("label", label::BUILD), ("dangling", "true")]).await?;
    let steps = engine.containers(&[("label", label::BUILD)], false).await?;
    let steps = steps.iter().map(|step| &step.labels).filter(|labels| is_left(labels));
    let labels = left.iter().map(|image| &image.labels).chain(steps);
    let marks = labels.filter_map(|labels| labels.get(label::BUILD)?.split_once('.'));
    let apps: HashSet<AppId> =
        marks.filter(|(whose, _)| *whose == node.to_string()).filter_map(|(_, app)| app.parse().ok()).collect();
    for app in apps {
        after_build(engine, node, app, None).await?;
    }
    Ok(())
}

/// One that is in use stays until what uses it is gone: somebody may run it by hand.
async fn remove(engine: &Engine, name: &str) -> Result<(), EngineError> {
    match engine.remove_image(name).await {
        Err(EngineError::Refused { status: 409, message, .. }) => {
            tracing::warn!(name, message, "an image could not be removed");
            Ok(())
        }
        other => other,
    }
}

/// `<release>` and `<release>-stage2`.
fn release_of(tag: &str) -> Option<ReleaseId> {
    tag.split_once("-stage").map_or(tag, |(release, _)| release).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    #[test]
    fn tags_say_whose_they_are() {
        let release = ReleaseId::from_parts(Timestamp::EPOCH, [7; 10]);
        for (tag, expected) in [
            (release.to_string(), Some(release)),
            (format!("{release}-stage1"), Some(release)),
            ("latest".into(), None),
        ] {
            assert_eq!(release_of(&tag), expected, "{tag}");
        }
    }

    #[test]
    fn what_is_made_of_a_result_is_not_left() {
        let labels = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        assert!(is_left(&labels(&[label::BUILD])));
        assert!(!is_left(&labels(&[label::BUILD, label::RELEASE])) && !is_left(&labels(&[])));
    }
}
