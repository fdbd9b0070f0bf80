//! `{{…}}` in startups and edits. Panels call the same thing by different names; a template holds Pterodactyl's.

use std::borrow::Cow;

/// What a placeholder stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source<'a> {
    /// Address of the first allocation.
    Ip,
    /// Port of the first allocation.
    Port,
    /// The limit of memory, in MiB; 0 for none.
    Memory,
    /// The limit of swap, in MiB; 0 for none.
    Swap,
    /// The limit of its files, in MiB; 0 for none.
    Disk,
    /// The limit of CPU, in percent of a core; 0 for none.
    Cpu,
    /// The server's id.
    Uuid,
    /// A variable of the environment.
    Variable(&'a str),
    /// Something only the node knows; it stays for the node: `config.docker.interface`.
    Node(&'a str),
    /// Nobody knows; it stays as it is.
    Unknown(&'a str),
}

/// Where a placeholder stands, since panels read plain names differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Site {
    /// In a startup `{{NAME}}` is a variable.
    Startup,
    /// In an edit it is not.
    Edit,
}

impl<'a> Source<'a> {
    /// Reads what is between the braces.
    pub fn parse(name: &'a str, site: Site) -> Self {
        match name {
            "server.build.default.ip" | "server.allocations.default.ip" => return Self::Ip,
            "server.build.default.port" | "server.allocations.default.port" => return Self::Port,
            "server.build.memory" | "server.build.memory_limit" => return Self::Memory,
            "server.build.swap" => return Self::Swap,
            "server.build.disk" | "server.build.disk_space" => return Self::Disk,
            "server.build.cpu" | "server.build.cpu_limit" => return Self::Cpu,
            "server.uuid" => return Self::Uuid,
            _ => {}
        }
        for prefix in ["server.build.env.", "server.build.environment.", "server.environment.", "server.env.", "env."] {
            if let Some(variable) = name.strip_prefix(prefix).filter(|rest| crate::name::parse(rest).is_ok()) {
                return Self::Variable(variable);
            }
        }
        if name.starts_with("config.") {
            return Self::Node(name);
        }
        if site == Site::Startup && crate::name::parse(name).is_ok() {
            Self::Variable(name)
        } else {
            Self::Unknown(name)
        }
    }

    /// As Pterodactyl writes it.
    pub fn pterodactyl(self) -> Cow<'a, str> {
        match self {
            Self::Ip => "server.build.default.ip".into(),
            Self::Port => "server.build.default.port".into(),
            Self::Memory => "server.build.memory".into(),
            Self::Disk => "server.build.disk".into(),
            Self::Cpu => "server.build.cpu".into(),
            Self::Swap | Self::Uuid => self.anywhere(),
            Self::Variable(name) => format!("server.build.env.{name}").into(),
            Self::Node(name) | Self::Unknown(name) => name.into(),
        }
    }

    /// As Pelican writes it.
    pub fn pelican(self) -> Cow<'a, str> {
        match self {
            Self::Ip => "server.allocations.default.ip".into(),
            Self::Port => "server.allocations.default.port".into(),
            Self::Memory => "server.build.memory_limit".into(),
            Self::Disk => "server.build.disk_space".into(),
            Self::Cpu => "server.build.cpu_limit".into(),
            Self::Swap | Self::Uuid => self.anywhere(),
            Self::Variable(name) => format!("server.environment.{name}").into(),
            Self::Node(name) | Self::Unknown(name) => name.into(),
        }
    }

    /// What both write alike.
    fn anywhere(self) -> Cow<'a, str> {
        if self == Self::Swap { "server.build.swap".into() } else { "server.uuid".into() }
    }
}

/// Puts something in place of each placeholder; what `put` has nothing for stays as it is. What was put in is not read
/// again, so a value with braces in it is only a value.
pub fn replace<'a>(text: &'a str, mut put: impl FnMut(&'a str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = next(rest) {
        out.push_str(&rest[..found.start]);
        match put(found.name) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[found.start..found.end]),
        }
        rest = &rest[found.end..];
    }
    out.push_str(rest);
    out
}

/// The names between braces, in order.
pub fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(found) = next(rest) {
        names.push(found.name);
        rest = &rest[found.end..];
    }
    names
}

/// With the names that a template holds.
pub fn canonical(text: &str) -> String {
    renamed(text, |source| source.pterodactyl().into_owned())
}

/// With Pelican's names.
pub fn pelican(text: &str) -> String {
    renamed(text, |source| source.pelican().into_owned())
}

fn renamed(text: &str, name: impl Fn(Source<'_>) -> String) -> String {
    replace(text, |found| match Source::parse(found, Site::Edit) {
        Source::Unknown(_) => None,
        known => Some(format!("{{{{{}}}}}", name(known))),
    })
}

struct Found<'a> {
    name: &'a str,
    start: usize,
    end: usize,
}

/// The first `{{`, spaces, a name of letters, digits, `_`, `.` and `-`, spaces, `}}`.
fn next(text: &str) -> Option<Found<'_>> {
    let mut from = 0;
    while let Some(at) = text[from..].find("{{") {
        let start = from + at;
        let inside = &text[start + 2..];
        let padding = inside.len() - inside.trim_start_matches(' ').len();
        let body = &inside[padding..];
        let length =
            body.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))).unwrap_or(body.len());
        let after = &body[length..];
        let gap = after.len() - after.trim_start_matches(' ').len();
        if length > 0 && after[gap..].starts_with("}}") {
            let end = start + 2 + padding + length + gap + 2;
            return Some(Found { name: &body[..length], start, end });
        }
        // `{{{NAME}}` is a brace and a placeholder.
        from = start + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_surrounds_them() {
        for (text, expected) in [
            ("{{A}}", vec!["A"]),
            ("-p {{ SERVER_PORT }}:{{B}}", vec!["SERVER_PORT", "B"]),
            ("{{{A}}}", vec!["A"]),
            ("{{}} {{ }} {{a b}} {A} {{A} }", vec![]),
            ("{{server.build.env.X}}$2", vec!["server.build.env.X"]),
            ("{{", vec![]),
            ("ä{{A}}ö{{", vec!["A"]),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
    }

    #[test]
    fn panels_names_are_one() {
        for (pterodactyl, pelican_text) in [
            ("{{server.build.default.port}}", "{{server.allocations.default.port}}"),
            ("0.0.0.0:{{server.build.default.ip}}", "0.0.0.0:{{server.allocations.default.ip}}"),
            ("{{server.build.env.MAX}}x", "{{server.environment.MAX}}x"),
            ("{{server.build.memory}}", "{{server.build.memory_limit}}"),
            ("{{config.docker.interface}}$2", "{{config.docker.interface}}$2"),
            ("{{server.uuid}} {{PLAIN}}", "{{server.uuid}} {{PLAIN}}"),
            ("{{server.build.disk}}{{server.build.cpu}}", "{{server.build.disk_space}}{{server.build.cpu_limit}}"),
            ("{{server.build.swap}} {{server.nobody}}", "{{server.build.swap}} {{server.nobody}}"),
        ] {
            assert_eq!(canonical(pelican_text), pterodactyl);
            assert_eq!(canonical(pterodactyl), pterodactyl);
            assert_eq!(pelican(pterodactyl), pelican_text);
        }
        assert_eq!(canonical("{{ env.MAX }}"), "{{server.build.env.MAX}}");
    }

    #[test]
    fn what_was_put_in_is_not_read_again() {
        let value = replace("{{A}}{{B}}{{C}}", |name| match name {
            "A" => Some("{{B}}".into()),
            "B" => Some("b".into()),
            _ => None,
        });
        assert_eq!(value, "{{B}}b{{C}}");
    }
}
