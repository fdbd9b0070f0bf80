//! What keeps a template from being used, each finding with its place.

use std::collections::HashSet;

use regex::RegexBuilder;
use serde::Serialize;
use serde_json::{Map, Value};
use sf_protocol::server::{EditValue, FileEdit, Match, Stop};

use super::{Alt, Install, Run, RuntimeKind, StartupCommand, VERSION, Variable, limit};
use crate::name::{self, Danger};
use crate::placeholder::{self, Site, Source};
use crate::rule;
use crate::stop::SIGNALS;
use crate::text::{is_line, is_prose, json_bytes, quoted};

/// Something that is wrong with a template.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Defect {
    /// Where: `variables[2].rules[0]`; empty for the whole.
    pub place: String,
    /// What is wrong, and why.
    pub message: String,
    /// What to do.
    pub fix: String,
}

impl Defect {
    /// A finding.
    pub fn new(place: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), fix: fix.into() }
    }
}

impl std::fmt::Display for Defect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.place.is_empty() { String::new() } else { format!("{}: ", self.place) };
        write!(f, "{place}{} {}", self.message, self.fix)
    }
}

/// Finds everything.
pub(super) fn of(alt: &Alt) -> Vec<Defect> {
    let mut found = Found(Vec::new());
    found.head(alt);
    let expressions = alt.expressions();
    found.count("", expressions, limit::EXPRESSIONS, "regular expressions");
    let compiles = expressions <= limit::EXPRESSIONS;
    found.startups(alt);
    found.variables(alt);
    alt.install.iter().for_each(|install| found.install(alt.runtime, install));
    found.edits(&alt.edits, compiles);
    found.ready(alt, compiles);
    found.stop(&alt.stop);
    found.count("denied", alt.denied.len(), limit::DENIED, "patterns");
    for (index, pattern) in alt.denied.iter().enumerate() {
        found.line(&format!("denied[{index}]"), pattern, limit::DENIED_CHARS, true);
    }
    found.notes("notes", &alt.notes);
    found.0
}

struct Found(Vec<Defect>);

impl Found {
    fn add(&mut self, place: &str, message: impl Into<String>, fix: impl Into<String>) {
        if self.0.len() < limit::DEFECTS {
            self.0.push(Defect::new(place, message, fix));
        }
    }

    /// One line for people, of so many characters.
    fn line(&mut self, place: &str, text: &str, max: usize, needed: bool) {
        if needed && text.is_empty() {
            self.add(place, "It is empty.", "Write something, or take the entry out.");
        }
        if !is_line(text) {
            let message = "It has control characters or hidden ones, or a space at an end.";
            self.add(place, message, "Write one line of plain text.");
        }
        self.length(place, text.chars().count(), max, "characters");
    }

    fn prose(&mut self, place: &str, text: &str, max: usize) {
        if !is_prose(text) {
            self.add(place, "It has control characters or hidden ones, or blank ends.", "Write plain text.");
        }
        self.length(place, text.chars().count(), max, "characters");
    }

    fn length(&mut self, place: &str, found: usize, max: usize, unit: &str) {
        if found > max {
            self.add(place, format!("It has {found} {unit}, {max} are allowed."), "Make it shorter.");
        }
    }

    fn count(&mut self, place: &str, found: usize, max: usize, unit: &str) {
        if found > max {
            self.add(place, format!("There are {found} {unit}, {max} are allowed."), "Take some out.");
        }
    }

    fn unique<'a>(&mut self, names: impl Iterator<Item = (String, &'a str)>) {
        let mut seen = HashSet::new();
        for (place, name) in names {
            if !seen.insert(name) {
                self.add(&place, format!("{} is there twice.", quoted(name)), "Give each its own name.");
            }
        }
    }

    fn head(&mut self, alt: &Alt) {
        if alt.alt != VERSION {
            self.add("alt", format!("This form has version {VERSION}, not {}.", alt.alt), "Write `\"alt\": 1`.");
        }
        self.line("name", &alt.name, limit::NAME_CHARS, true);
        self.line("author", &alt.author, limit::AUTHOR_CHARS, false);
        self.prose("description", &alt.description, limit::DESCRIPTION_CHARS);
        for (what, words) in [("tags", &alt.tags), ("features", &alt.features)] {
            self.count(what, words.len(), limit::WORDS, what);
            for (index, word) in words.iter().enumerate() {
                self.line(&format!("{what}[{index}]"), word, limit::WORD_CHARS, true);
            }
        }
        if let Some(icon) = &alt.icon {
            self.length("icon", icon.len(), limit::ICON_BYTES, "bytes");
            if !is_icon(icon) {
                let message = "It is no picture as a data URI.";
                self.add("icon", message, "Write data:image/png;base64,…; png, jpeg, gif, webp, avif or svg+xml.");
            }
        }
        self.count("images", alt.images.len(), limit::IMAGES, "images");
        for (index, image) in alt.images.iter().enumerate() {
            self.line(&format!("images[{index}].label"), &image.label, limit::NAME_CHARS, true);
            self.image(&format!("images[{index}].image"), &image.image);
        }
        let labels = alt.images.iter().enumerate();
        self.unique(labels.map(|(index, image)| (format!("images[{index}].label"), image.label.as_str())));
    }

    fn image(&mut self, place: &str, image: &str) {
        if !is_image(image) {
            let message = format!("{} is no reference of an image.", quoted(image));
            self.add(place, message, "Write it as an engine does: ghcr.io/owner/name:tag.");
        }
    }

    fn startups(&mut self, alt: &Alt) {
        if alt.startups.is_empty() {
            self.add("startups", "There is no way to start it.", "Add one.");
        }
        self.count("startups", alt.startups.len(), limit::STARTUPS, "ways to start");
        for (index, StartupCommand { label, run }) in alt.startups.iter().enumerate() {
            let place = format!("startups[{index}]");
            self.line(&format!("{place}.label"), label, limit::NAME_CHARS, true);
            let bytes = match run {
                Run::Argv { argv } => {
                    self.argv(alt, &format!("{place}.run.argv"), argv);
                    argv.iter().map(|word| json_bytes(word) + 1).sum()
                }
                Run::Shell { line } => {
                    if alt.runtime == RuntimeKind::Process {
                        let message = "It is code for a shell, which runs in containers only.";
                        self.add(&format!("{place}.run"), message, "Write program and arguments, or choose Docker.");
                    }
                    if line.contains(['\0', '\r']) {
                        self.add(&format!("{place}.run.line"), "It has a NUL or CR.", "Take it out.");
                    }
                    json_bytes(line)
                }
            };
            self.length(&format!("{place}.run"), bytes, limit::STARTUP_JSON_BYTES, "bytes as JSON");
        }
        let labels = alt.startups.iter().enumerate();
        self.unique(labels.map(|(index, startup)| (format!("startups[{index}].label"), startup.label.as_str())));
    }

    fn argv(&mut self, alt: &Alt, place: &str, argv: &[String]) {
        if argv.first().is_none_or(String::is_empty) {
            self.add(place, "It names no program.", "Write the program as the first word.");
        }
        self.count(place, argv.len(), limit::STARTUP_WORDS, "words");
        if argv.iter().any(|word| word.contains('\0')) {
            self.add(place, "A word has a NUL in it.", "Take it out.");
        }
        let names = argv.iter().take(limit::STARTUP_WORDS).flat_map(|word| placeholder::names(word));
        let known = |name: &str| alt.variable(name).is_some() || name::is_injected(name) || name == "TZ";
        for name in names {
            let is_known = match Source::parse(name, Site::Startup) {
                Source::Ip | Source::Port | Source::Memory | Source::Swap | Source::Disk => true,
                Source::Cpu | Source::Uuid => true,
                Source::Variable(variable) => known(variable),
                Source::Node(_) | Source::Unknown(_) => false,
            };
            if !is_known {
                let message = format!("Nothing can be put in for {}.", quoted(&format!("{{{{{name}}}}}")));
                self.add(place, message, "Name a variable of the template, or take the braces out.");
            }
        }
    }

    fn variables(&mut self, alt: &Alt) {
        self.count("variables", alt.variables.len(), limit::VARIABLES, "variables");
        for (index, variable) in alt.variables.iter().enumerate().take(limit::VARIABLES) {
            self.variable(alt.runtime, &format!("variables[{index}]"), variable);
        }
        let names = alt.variables.iter().enumerate();
        self.unique(names.map(|(index, variable)| (format!("variables[{index}].env"), variable.env.as_str())));
    }

    fn variable(&mut self, runtime: RuntimeKind, place: &str, variable: &Variable) {
        self.line(&format!("{place}.name"), &variable.name, limit::NAME_CHARS, true);
        self.prose(&format!("{place}.description"), &variable.description, limit::VARIABLE_DESCRIPTION_CHARS);
        let at = format!("{place}.env");
        if let Err(why) = name::parse(&variable.env) {
            self.add(&at, format!("{} is no name of a variable: {why}.", quoted(&variable.env)), name::FIX);
        } else if name::is_reserved(&variable.env) {
            let message = format!("{} is set by ServerFlow itself.", variable.env);
            self.add(&at, message, "Choose another name.");
        } else if let Some(why) = refusal(runtime, &variable.env) {
            self.add(&at, format!("{} is refused: {why}.", variable.env), "Choose another name.");
        }
        let at = format!("{place}.default");
        self.length(&at, variable.default.len(), limit::VALUE_BYTES, "bytes");
        if variable.default.contains('\0') {
            self.add(&at, "It has a NUL in it.", "Take it out.");
        }
        if variable.secret && !variable.default.is_empty() {
            self.add(&at, "A secret has no default: everybody could read it here.", "Take it out.");
        }
        let at = format!("{place}.rules");
        self.count(&at, variable.rules.len(), limit::RULES, "rules");
        let longest = variable.rules.iter().map(String::len).max().unwrap_or(0);
        self.length(&at, longest, limit::RULE_BYTES, "bytes in one rule");
        if longest <= limit::RULE_BYTES && variable.rules.len() <= limit::RULES {
            let written = variable.rules.join("|");
            if rule::split(&written) != variable.rules {
                let message = "Written with `|` between them the rules would be others.";
                self.add(&at, message, "Write one rule an entry, and close each expression: regex:/^a$/.");
            }
        }
        self.notes(&format!("{place}.notes"), &variable.notes);
    }

    fn install(&mut self, runtime: RuntimeKind, install: &Install) {
        match &install.image {
            Some(image) => self.image("install.image", image),
            None if runtime == RuntimeKind::Docker => {
                let message = "Servers in containers are set up in a container, and there is no image.";
                self.add("install.image", message, "Name one.");
            }
            None => {}
        }
        if !is_entrypoint(&install.entrypoint) {
            let message = format!("{} is no program.", quoted(&install.entrypoint));
            self.add("install.entrypoint", message, "Write bash, ash or the path of a program, without arguments.");
        }
        if install.script.contains(['\0', '\r']) {
            self.add("install.script", "It has a NUL or CR.", "End lines with LF alone.");
        }
        let (bytes, max) = (json_bytes(&install.script), limit::SCRIPT_JSON_BYTES);
        if bytes > max {
            let message =
                format!("It has {bytes} bytes as JSON, {max} are allowed: it travels in one order to its node.");
            self.add("install.script", message, "Let it fetch the longer part, or make it shorter.");
        }
    }

    fn edits(&mut self, edits: &[FileEdit], compiles: bool) {
        self.count("edits", edits.len(), limit::FILES, "files");
        for (index, edit) in edits.iter().enumerate() {
            self.count(&format!("edits[{index}].set"), edit.set.len(), limit::KEYS, "keys");
            for (at, set) in edit.set.iter().enumerate().take(limit::KEYS) {
                let place = format!("edits[{index}].set[{at}]");
                if set.key.is_empty() {
                    self.add(&format!("{place}.key"), "It is empty.", "Name the key that is set.");
                }
                let texts = [("key", Some(&set.key)), ("onlyIf", set.only_if.as_ref())];
                for (what, text) in texts.into_iter().filter_map(|(what, text)| Some((what, text?))) {
                    self.length(&format!("{place}.{what}"), text.len(), limit::KEY_BYTES, "bytes");
                    if text.contains(['\0', '\n', '\r']) {
                        self.add(&format!("{place}.{what}"), "It has a line break or NUL.", "Take it out.");
                    }
                }
                let condition = set.only_if.as_deref().and_then(|text| text.strip_prefix("regex:"));
                if let Some(why) = condition.filter(|_| compiles).and_then(bad_regex) {
                    self.add(&format!("{place}.onlyIf"), why, NO_LOOK_AROUND);
                }
                if let EditValue::Text(text) = &set.value {
                    self.length(&format!("{place}.value"), text.len(), limit::VALUE_BYTES, "bytes");
                    if text.contains('\0') {
                        self.add(&format!("{place}.value"), "It has a NUL in it.", "Take it out.");
                    }
                }
            }
        }
    }

    fn ready(&mut self, alt: &Alt, compiles: bool) {
        let ready = &alt.ready;
        self.count("ready.lines", ready.lines.len(), limit::READY_LINES, "lines");
        for (index, line) in ready.lines.iter().enumerate() {
            let place = format!("ready.lines[{index}]");
            let (Match::Text { text } | Match::Regex { pattern: text }) = line;
            if text.is_empty() {
                self.add(&place, "It is empty, so the first line would do.", "Write what the line says.");
            }
            self.length(&place, text.chars().count(), limit::READY_CHARS, "characters");
            if let (Match::Regex { pattern }, true) = (line, compiles && text.len() <= 4 * limit::READY_CHARS)
                && let Some(why) = bad_regex(pattern)
            {
                self.add(&place, why, NO_LOOK_AROUND);
            }
        }
        if ready.within.0 == 0 || ready.within.0 > limit::READY_WITHIN_MS {
            let message = format!("{} ms is not between 1 ms and 24 h.", ready.within.0);
            self.add("ready.within", message, "Write how long a start may take.");
        }
    }

    fn stop(&mut self, stop: &Stop) {
        let (Stop::Command { grace, .. } | Stop::Signal { grace, .. }) = stop;
        if grace.0 > limit::GRACE_MS {
            self.add("stop.grace", format!("{} ms is more than 1 h.", grace.0), "Write a shorter time.");
        }
        match stop {
            Stop::Command { line, .. } => {
                if line.is_empty() || line.chars().any(char::is_control) {
                    self.add("stop.line", "It is empty or has control characters.", "Write one line.");
                }
                self.length("stop.line", line.len(), sf_protocol::server::ServerVerb::COMMAND_BYTES, "bytes");
            }
            Stop::Signal { signal, .. } if !SIGNALS.iter().any(|(name, _)| name == signal) => {
                let known: Vec<_> = SIGNALS.iter().map(|(name, _)| *name).collect();
                let message = format!("{} is no signal that stops a server.", quoted(signal));
                self.add("stop.signal", message, format!("Write one of {}.", known.join(", ")));
            }
            Stop::Signal { .. } => {}
        }
    }

    fn notes(&mut self, place: &str, notes: &Map<String, Value>) {
        let bytes = serde_json::to_vec(notes).map_or(0, |json| json.len());
        self.length(place, bytes, limit::NOTES_BYTES, "bytes as JSON");
    }
}

const NO_LOOK_AROUND: &str = "Write an expression without look-around and back-references.";

/// Why a name is refused in this runtime.
pub(crate) fn refusal(runtime: RuntimeKind, env: &str) -> Option<&'static str> {
    match (name::danger(env), runtime) {
        (Some(Danger::Loader), _) => {
            Some("it decides which code every program loads, the one that holds the server too")
        }
        (Some(Danger::Program), RuntimeKind::Process) => {
            Some("it changes which programs are started and what they load, outside of any container")
        }
        _ => None,
    }
}

/// Why nodes could not use this expression.
pub(crate) fn bad_regex(pattern: &str) -> Option<String> {
    let built = RegexBuilder::new(pattern).size_limit(crate::rule::COMPILED_BYTES).build();
    let error = built.err()?.to_string();
    let last = error.lines().next_back().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Some(format!("The expression cannot be used: {last}."))
}

/// Whether a text is a picture as a data URI.
pub(crate) fn is_icon(text: &str) -> bool {
    const KINDS: &[&str] = &["png", "jpeg", "jpg", "gif", "webp", "avif", "svg+xml"];
    let Some((kind, data)) = text.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,")) else {
        return false;
    };
    KINDS.contains(&kind)
        && !data.is_empty()
        && data.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

/// Whether a text looks like a reference of an image.
pub(crate) fn is_image(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= limit::IMAGE_CHARS
        && edge(text.chars().next())
        && text.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@' | '+'))
}

/// Whether a text is the name or path of a program.
pub(crate) fn is_entrypoint(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+'))
}
