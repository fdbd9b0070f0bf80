//! Previews of branches: which pushes and pull requests make one, what it is called, and what it takes over of its app.
//!
//! Whoever may push chooses a branch's name: everything here takes any text that git does.

mod glob;
mod judge;
mod name;

use std::time::Duration;

use sf_actions::Environment;
use sf_actions::app::Settings;
use sf_types::Timestamp;

pub use glob::fits;
pub use judge::{Known, Verdict, judge, judge_request};
pub use name::{domain, names};

const DAY: Duration = Duration::from_secs(86_400);
/// Old releases kept of a preview besides the live one: people look at the newest.
const KEEP: u8 = 1;

/// The settings of a preview: its app's, with the branch to deploy, a port of its own, and of the environment what is marked
/// for previews alone. What is production's is not even named.
pub fn settings_of(app: &Settings, branch: &str) -> Settings {
    let mut settings = app.clone();
    settings.reference = Some(branch.to_owned());
    settings.traffic.port = None;
    settings.traffic.public = false;
    settings.env = app.variables(Environment::Preview).cloned().collect();
    settings.keep_releases = KEEP.min(app.keep_releases);
    settings
}

/// When a preview is over that was pushed, or kept longer, now.
pub fn expiry(now: Timestamp, days: u8) -> Timestamp {
    now.plus(DAY * u32::from(days))
}

#[cfg(test)]
mod tests {
    use sf_actions::Variable;
    use sf_types::Port;

    use super::*;

    #[test]
    fn a_preview_takes_over_nothing_of_production() {
        let mut app = Settings::of("https://git.example.org/shop");
        app.reference = Some("main".into());
        app.traffic.port = Port::try_from(4000).ok();
        app.traffic.public = true;
        let marked = |variable: Variable, environment| Variable { environment, ..variable };
        let secret = |name: &str| Variable::secret(name, "key".parse().unwrap());
        app.env = vec![
            secret("PAY"),
            Variable::value("URL", "live"),
            marked(Variable::value("URL", "test"), Environment::Preview),
            marked(secret("SEARCH"), Environment::All),
        ];
        let preview = settings_of(&app, "feature/x");
        assert_eq!(preview.reference.as_deref(), Some("feature/x"));
        assert_eq!((preview.traffic.port, preview.traffic.public, preview.keep_releases), (None, false, 1));
        assert_eq!(preview.env, app.env[2..]);
        assert_eq!((preview.repository, preview.traffic.mode), (app.repository, app.traffic.mode));
    }
}
