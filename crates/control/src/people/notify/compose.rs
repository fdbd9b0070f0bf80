//! From notices to messages. Pure.

use sf_connectors::{Line, Message};
use sf_engine::notify::Kind;
use sf_types::Timestamp;
use uuid::Uuid;

use super::notice::Notice;

/// A message about one notice.
pub(super) fn one(id: Uuid, notice: &Notice, page: impl Fn(&str) -> String) -> Message {
    Message::new(id, Some(notice.kind), &title(notice), &notice.text, &page(&notice.path), notice.at)
}

/// One message about several; about a single one, that. `None` about none. `full` says that more may have been left out.
pub(super) fn together(
    id: Uuid,
    notices: &[Notice],
    full: bool,
    now: Timestamp,
    page: impl Fn(&str) -> String,
) -> Option<Message> {
    if let [notice] = notices {
        return Some(one(id, notice, page));
    }
    // The most pressing is what the message is.
    let kind = Kind::ALL.into_iter().find(|kind| notices.iter().any(|notice| notice.kind == *kind))?;
    let line = |notice: &Notice| Line { kind: notice.kind, title: title(notice), url: page(&notice.path) };
    let ordered = Kind::ALL.into_iter().flat_map(|kind| notices.iter().filter(move |notice| notice.kind == kind));
    let text = if full { "There were more than are kept: look into the inbox." } else { "" };
    let message = Message::new(id, Some(kind), &summary(notices), text, &page("/inbox"), now);
    Some(message.with(ordered.map(line).collect()))
}

/// Says nothing but that it arrived.
pub(super) fn test(id: Uuid, channel: &str, now: Timestamp, page: impl Fn(&str) -> String) -> Message {
    let title = format!("ServerFlow reaches you by {channel}");
    Message::new(id, None, &title, "This is a test. There is nothing to do.", &page("/settings/notifications"), now)
}

fn title(notice: &Notice) -> String {
    let word = match notice.kind {
        Kind::Escalated => "Pressing",
        Kind::Approval => "To decide",
        Kind::Alert => "Alert",
        Kind::Failed => "Failed",
        Kind::Review => "To look at",
        Kind::Automatic => "Done by itself",
    };
    format!("{word}: {}", notice.title)
}

/// `4 notices: 1 pressing, 2 to decide, 1 failed`.
fn summary(notices: &[Notice]) -> String {
    let counted = Kind::ALL.into_iter().filter_map(|kind| {
        let count = notices.iter().filter(|notice| notice.kind == kind).count();
        let word = match kind {
            Kind::Escalated => "pressing",
            Kind::Approval => "to decide",
            Kind::Alert => "alerts",
            Kind::Failed => "failed",
            Kind::Review => "to look at",
            Kind::Automatic => "done by itself",
        };
        (count > 0).then(|| format!("{count} {word}"))
    });
    format!("{} notices: {}", notices.len(), counted.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::Permission;
    use sf_types::{TenantId, TypedId};

    const NOW: Timestamp = Timestamp::from_millis(1_795_242_461_007);

    fn notice(kind: Kind, title: &str) -> Notice {
        Notice {
            tenant: TenantId::from_parts(NOW, [1; 10]),
            kind,
            approval: None,
            alert: None,
            silent_since: None,
            schedule: None,
            crossed: None,
            server: None,
            title: title.to_owned(),
            text: "because".to_owned(),
            path: "/inbox/1".to_owned(),
            project: None,
            node: None,
            app: None,
            right: Permission::AppView,
            at: NOW,
        }
    }

    fn page(path: &str) -> String {
        format!("https://sf.example.org{path}")
    }

    #[test]
    fn one_is_told_as_it_is_and_several_by_weight() {
        let id = Uuid::from_u128(1);
        let single = together(id, &[notice(Kind::Approval, "Deploy an app · shop")], false, NOW, page).unwrap();
        assert_eq!((single.title.as_str(), single.text.as_str()), ("To decide: Deploy an app · shop", "because"));
        assert_eq!(single.url, "https://sf.example.org/inbox/1");
        let kinds = [Kind::Automatic, Kind::Failed, Kind::Approval, Kind::Failed];
        let notices: Vec<_> = kinds.iter().map(|kind| notice(*kind, kind.word())).collect();
        let digest = together(id, &notices, false, NOW, page).unwrap();
        assert_eq!(digest.title, "4 notices: 1 to decide, 2 failed, 1 done by itself");
        assert_eq!((digest.kind, digest.url.as_str()), (Some(Kind::Approval), "https://sf.example.org/inbox"));
        let titles: Vec<_> = digest.lines.iter().map(|line| line.title.as_str()).collect();
        assert_eq!(titles, ["To decide: approval", "Failed: failed", "Failed: failed", "Done by itself: automatic"]);
        assert!(together(id, &[], false, NOW, page).is_none());
        assert!(together(id, &notices, true, NOW, page).unwrap().text.contains("more"));
    }
}
