//! Services of the machine that may be steered from afar: the owner's list, by name.

use std::path::Path;

use serde::Deserialize;
use sf_protocol::order::ServiceVerb;

/// Longest command line, in words.
const WORDS: usize = 64;

/// How a service is steered: by a systemd unit, or by command lines of the owner's own (argument vectors; no shell reads them).
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// `postgresql.service`.
    pub unit: Option<String>,
    /// Starts it.
    pub start: Vec<String>,
    /// Stops it.
    pub stop: Vec<String>,
    /// Stops and starts it.
    pub restart: Vec<String>,
    /// Has it read its configuration anew.
    pub reload: Vec<String>,
    /// Exits with 0 while it runs.
    pub status: Vec<String>,
}

impl Service {
    /// The owner's command line for `verb`; empty where there is none.
    pub fn command(&self, verb: ServiceVerb) -> &[String] {
        match verb {
            ServiceVerb::Start => &self.start,
            ServiceVerb::Stop => &self.stop,
            ServiceVerb::Restart => &self.restart,
            ServiceVerb::Reload => &self.reload,
        }
    }

    /// What can be done to it.
    pub fn verbs(&self) -> Vec<ServiceVerb> {
        let can = |verb: &ServiceVerb| self.unit.is_some() || !self.command(*verb).is_empty();
        ServiceVerb::ALL.into_iter().filter(can).collect()
    }

    /// Why it cannot be understood.
    pub(super) fn fault(&self) -> Option<String> {
        let lines = ServiceVerb::ALL.into_iter().map(|verb| self.command(verb)).chain([&*self.status]);
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        match &self.unit {
            Some(_) if !lines.is_empty() => Some("it has a unit and commands; it takes one or the other".to_owned()),
            Some(unit) if !is_unit(unit) => Some(format!("`{unit}` is no name of a systemd unit")),
            Some(_) => None,
            None if self.verbs().is_empty() => Some("it names neither a unit nor a command".to_owned()),
            None => lines.into_iter().find_map(|line| {
                let program = Path::new(&line[0]);
                if !program.is_absolute() {
                    return Some(format!("`{}` is no absolute path", line[0]));
                }
                (line.len() > WORDS).then(|| format!("a command of {} words; {WORDS} are possible", line.len()))
            }),
        }
    }
}

/// As systemd.unit(5) allows, but for templates' escapes, which nobody types.
fn is_unit(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"@._:-".contains(&byte);
    name.len() <= 255 && name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.bytes().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<String> {
        toml::from_str::<Service>(text).unwrap().fault()
    }

    #[test]
    fn a_service_is_a_unit_or_commands_and_nothing_that_reads_as_an_option() {
        for good in ["unit = \"postgresql@15-main.service\"", "start = [\"/usr/bin/pm2\", \"start\", \"shop\"]"] {
            assert_eq!(fault(good), None, "{good}");
        }
        for (bad, why) in [
            ("", "neither"),
            ("status = [\"/bin/true\"]", "neither"),
            ("unit = \"--root=/x\"", "no name"),
            ("unit = \"a b\"", "no name"),
            ("unit = \"a;b\"", "no name"),
            ("unit = \"a.service\"\nstop = [\"/bin/true\"]", "one or the other"),
            ("reload = [\"pm2\", \"reload\"]", "absolute"),
        ] {
            assert!(fault(bad).is_some_and(|told| told.contains(why)), "{bad}: {:?}", fault(bad));
        }
    }

    #[test]
    fn what_can_be_done_is_what_is_named() {
        let service: Service = toml::from_str("stop = [\"/a\"]\nreload = [\"/b\"]").unwrap();
        assert_eq!(service.verbs(), [ServiceVerb::Stop, ServiceVerb::Reload]);
        assert_eq!(Service { unit: Some("a.service".into()), ..Service::default() }.verbs(), ServiceVerb::ALL);
    }
}
