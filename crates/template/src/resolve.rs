//! From a template, values and allocations to the server that a node is told of.

mod secret;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sf_protocol::app::{EnvVar, RestartRule};
use sf_protocol::server::{
    Allocation, EditValue, FileEdit, InstallScript, SecretMark, ServerLimits, ServerRuntime, ServerSpec, SetKey,
    Startup,
};
use sf_protocol::wire::MAX_BODY_BYTES;
use sf_types::{ByteSize, SecretName, ServerId, Slug};

use crate::alt::{Alt, Run, RuntimeKind, Variable, limit};
use crate::name;
use crate::placeholder::{self, Site, Source};
use crate::rule::Rules;
use crate::text::quoted;

/// Bytes of a signed order that are neither the spec nor the script.
const ENVELOPE_BYTES: usize = 3 * 1024;

/// What is chosen for one server.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Choice {
    /// The image; the template's first unless given.
    pub image: Option<ImageChoice>,
    /// Label of the way to start; the template's first unless given.
    pub startup: Option<String>,
    /// Values by the names of variables; defaults where there is none.
    pub values: BTreeMap<String, String>,
    /// Secrets of the server's project by the names of variables, in place of values.
    pub secrets: BTreeMap<String, SecretName>,
    /// What it may use.
    pub limits: ServerLimits,
    /// Its ports, the first one by default.
    pub allocations: Vec<Allocation>,
    /// What happens when it ends by itself.
    pub restart: RestartRule,
}

/// Which image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ImageChoice {
    /// One of the template, by its label.
    Listed(String),
    /// Another one. Who may name any is for the caller to decide.
    Other(String),
}

/// What is known of the server besides.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The server.
    pub server: ServerId,
    /// Its name on the node.
    pub slug: &'a Slug,
    /// Raised by every change.
    pub generation: u64,
    /// Where its node is, for `P_SERVER_LOCATION`.
    pub location: &'a str,
    /// `Europe/Berlin`, for `TZ`.
    pub timezone: &'a str,
    /// Ports it may have, for `P_SERVER_ALLOCATION_LIMIT`.
    pub allocation_limit: u32,
    /// Whether it is kept stopped.
    pub suspended: bool,
}

/// What a node is told.
#[derive(Clone, PartialEq, Debug)]
pub struct Resolved {
    /// The server.
    pub spec: ServerSpec,
    /// What sets it up.
    pub install: Option<InstallScript>,
    /// Variables whose values are secrets, to be sealed for its node; not in the specification yet.
    pub secrets: Vec<(String, SecretName)>,
    /// Rules that nobody could check, as `NAME: rule`.
    pub unchecked: Vec<String>,
}

/// Why a server cannot be made of this.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// What of the choice: `values.MAX_PLAYERS`, `startup`.
    pub place: String,
    /// What is wrong, and why.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// Makes the server.
///
/// # Errors
/// Everything that is wrong with the choice.
pub fn resolve(alt: &Alt, choice: &Choice, facts: Facts<'_>) -> Result<Resolved, Vec<Refusal>> {
    let mut work = Work { alt, choice, facts, sealed: BTreeSet::new(), refusals: Vec::new() };
    let runtime = work.runtime();
    let run = work.run();
    let (mut env, mut secrets, unchecked) = work.values();
    work.add_upper_case(&mut env, &mut secrets);
    work.sealed = secrets.iter().map(|(name, _)| name.clone()).collect();
    work.add_given(&mut env, run);
    let startup = run.map(|run| work.startup(run, &env));
    let edits = alt.edits.iter().map(|edit| work.edit(edit, &env)).collect();
    let install = alt.install.as_ref().map(|install| InstallScript {
        image: match alt.runtime {
            RuntimeKind::Docker => install.image.clone(),
            RuntimeKind::Process => None,
        },
        entrypoint: install.entrypoint.clone(),
        script: install.script.clone(),
    });
    let (Some(runtime), Some(startup), true) = (runtime, startup, work.refusals.is_empty()) else {
        return Err(work.refusals);
    };
    let spec = ServerSpec {
        server: facts.server,
        slug: facts.slug.clone(),
        generation: facts.generation,
        runtime,
        startup,
        env,
        secrets: Vec::new(),
        edits,
        ready: alt.ready.clone(),
        stop: alt.stop.clone(),
        restart: choice.restart.clone(),
        limits: choice.limits,
        allocations: choice.allocations.clone(),
        denied: alt.denied.clone(),
        suspended: facts.suspended,
    };
    let bytes =
        sf_protocol::wire::write(&spec).len() + install.as_ref().map_or(0, |it| sf_protocol::wire::write(it).len());
    let most = MAX_BODY_BYTES - ENVELOPE_BYTES;
    if bytes > most {
        let message = format!("The server with its script has {bytes} bytes, {most} fit one order to its node.");
        work.refuse("", message, "Make the install script, the values or the edits shorter.");
        return Err(work.refusals);
    }
    Ok(Resolved { spec, install, secrets, unchecked })
}

/// Variables and the secrets whose values they get.
type Secrets = Vec<(String, SecretName)>;

struct Work<'a> {
    alt: &'a Alt,
    choice: &'a Choice,
    facts: Facts<'a>,
    /// Variables whose values the node alone will know.
    sealed: BTreeSet<String>,
    refusals: Vec<Refusal>,
}

impl<'a> Work<'a> {
    fn refuse(&mut self, place: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) {
        self.refusals.push(Refusal { place: place.into(), message: message.into(), fix: fix.into() });
    }

    fn runtime(&mut self) -> Option<ServerRuntime> {
        if self.alt.runtime == RuntimeKind::Process {
            if self.choice.image.is_some() {
                let message = "Servers of this template are processes and have no image.";
                self.refuse("image", message, "Leave it out.");
                return None;
            }
            return Some(ServerRuntime::Process);
        }
        let image = match &self.choice.image {
            None => self.alt.images.first().map(|image| image.image.clone()),
            Some(ImageChoice::Other(image)) => Some(image.clone()),
            Some(ImageChoice::Listed(label)) => {
                self.alt.images.iter().find(|image| image.label == *label).map(|image| image.image.clone())
            }
        };
        match image {
            Some(image) if crate::alt::is_image(&image) => Some(ServerRuntime::Docker { image }),
            Some(image) => {
                let message = format!("{} is no reference of an image.", quoted(&image));
                self.refuse("image", message, "Write it as an engine does: ghcr.io/owner/name:tag.");
                None
            }
            None => {
                let labels: Vec<_> = self.alt.images.iter().map(|image| image.label.as_str()).collect();
                let fix = match labels.as_slice() {
                    [] => "Name an image; the template has none.".to_owned(),
                    labels => format!("Choose one of {}.", labels.join(", ")),
                };
                self.refuse("image", "The template has no such image.", fix);
                None
            }
        }
    }

    fn chosen_run(&self) -> Option<&'a Run> {
        let found = match &self.choice.startup {
            None => self.alt.startups.first(),
            Some(label) => self.alt.startups.iter().find(|startup| startup.label == *label),
        };
        found.map(|startup| &startup.run)
    }

    fn run(&mut self) -> Option<&'a Run> {
        let alt = self.alt;
        let Some(run) = self.chosen_run() else {
            let labels: Vec<_> = alt.startups.iter().map(|startup| startup.label.as_str()).collect();
            self.refuse(
                "startup",
                "The template has no such way to start.",
                format!("Choose one of {}.", labels.join(", ")),
            );
            return None;
        };
        if matches!(run, Run::Shell { .. }) && alt.runtime == RuntimeKind::Process {
            let message = "It is code for a shell, which runs in containers only.";
            self.refuse("startup", message, "Choose another way to start, or a template for containers.");
            return None;
        }
        Some(run)
    }

    /// The environment as the template has it, which of it are secrets, and the rules that nobody could check.
    fn values(&mut self) -> (Vec<EnvVar>, Secrets, Vec<String>) {
        let (alt, choice) = (self.alt, self.choice);
        let named = choice.values.keys().map(|name| ("values", name));
        for (place, name) in named.chain(choice.secrets.keys().map(|name| ("secrets", name))) {
            if alt.variable(name).is_none() {
                let message = format!("The template has no variable {}.", quoted(name));
                self.refuse(format!("{place}.{}", crate::text::line(name)), message, "Leave it out.");
            }
        }
        let (mut env, mut secrets, mut unchecked) = (Vec::new(), Vec::new(), Vec::new());
        for variable in &alt.variables {
            if let Some(secret) = choice.secrets.get(&variable.env) {
                self.judge_name(&variable.env);
                self.judge_secret(variable);
                // Its value is known to nobody who could check it.
                unchecked.extend(variable.rules.iter().map(|rule| format!("{}: {rule}", variable.env)));
                secrets.push((variable.env.clone(), secret.clone()));
                continue;
            }
            if variable.secret && choice.values.contains_key(&variable.env) {
                let message = format!("{} is a secret: its value is not written here.", variable.name);
                let fix = "Name a secret of the server's project for it, under `secrets`.";
                self.refuse(format!("values.{}", variable.env), message, fix);
                continue;
            }
            let value = choice.values.get(&variable.env).unwrap_or(&variable.default);
            self.judge_name(&variable.env);
            self.judge_value(variable, value);
            let verdict = Rules::parse(&variable.rules).check(value);
            let (place, fix) = match variable.secret {
                true => ("secrets", "Name a secret of the server's project for it."),
                false => ("values", "Give another value."),
            };
            for words in verdict.wrong {
                let message = format!("{}: {words}.", variable.name);
                self.refuse(format!("{place}.{}", variable.env), message, fix);
            }
            unchecked.extend(verdict.unchecked.into_iter().map(|rule| format!("{}: {rule}", variable.env)));
            env.push(EnvVar { name: variable.env.clone(), value: value.clone() });
        }
        (env, secrets, unchecked)
    }

    /// Templates are checked when they are kept; what reaches a node is checked again.
    fn judge_name(&mut self, env: &str) {
        let why = match name::parse(env) {
            Err(why) => Some(why),
            Ok(()) if name::is_reserved(env) => Some("ServerFlow sets it itself"),
            Ok(()) => crate::alt::refusal(self.alt.runtime, env),
        };
        if let Some(why) = why {
            let message = format!("The variable {} is refused: {why}.", quoted(env));
            self.refuse(format!("values.{env}"), message, "Rename it in the template.");
        }
    }

    fn judge_value(&mut self, variable: &Variable, value: &str) {
        let place = format!("values.{}", variable.env);
        if value.len() > limit::VALUE_BYTES {
            let message = format!("{} has {} bytes, {} are allowed.", variable.name, value.len(), limit::VALUE_BYTES);
            self.refuse(place, message, "Give a shorter value.");
            return;
        }
        // A line break would be a line of its own in a file that is edited. The template's author may; others may not.
        let odd = |c: char| c.is_control() && c != '\t';
        if value.contains('\0') || value != variable.default && value.chars().any(odd) {
            let message = format!("{} has line breaks or control characters.", variable.name);
            self.refuse(place, message, "Write it in one line.");
        }
    }

    /// Names in lower case are there in upper case too: other panels' daemons write them so, and images and scripts rely on
    /// it.
    fn add_upper_case(&self, env: &mut Vec<EnvVar>, secrets: &mut Secrets) {
        if self.alt.runtime == RuntimeKind::Process {
            return;
        }
        let mut taken: BTreeSet<String> = env.iter().map(|var| var.name.clone()).collect();
        taken.extend(secrets.iter().map(|(name, _)| name.clone()));
        let mut upper = |name: &str| {
            let name = name.to_ascii_uppercase();
            let is_free = !name::is_reserved(&name) && name::danger(&name).is_none() && taken.insert(name.clone());
            is_free.then_some(name)
        };
        let more = env.iter().filter_map(|var| Some(EnvVar { name: upper(&var.name)?, value: var.value.clone() }));
        let more: Vec<_> = more.collect();
        env.extend(more);
        let more = secrets.iter().filter_map(|(name, secret)| Some((upper(name)?, secret.clone())));
        let more: Vec<_> = more.collect();
        secrets.extend(more);
    }

    /// What every server is given. It comes last, and so it wins.
    fn add_given(&self, env: &mut Vec<EnvVar>, run: Option<&Run>) {
        let mut add = |name: &str, value: String| env.push(EnvVar { name: name.to_owned(), value });
        if self.alt.variable("TZ").is_none() {
            add("TZ", self.facts.timezone.to_owned());
        }
        if let Some(Run::Shell { line }) = run {
            add("STARTUP", line.clone());
        }
        add("SERVER_MEMORY", mebibytes(self.choice.limits.memory));
        if let Some(first) = self.choice.allocations.first() {
            add("SERVER_IP", first.ip.to_string());
            add("SERVER_PORT", first.port.to_string());
        }
        add("P_SERVER_LOCATION", self.facts.location.to_owned());
        add("P_SERVER_UUID", self.facts.server.to_string());
        add("P_SERVER_ALLOCATION_LIMIT", self.facts.allocation_limit.to_string());
    }

    fn startup(&mut self, run: &Run, env: &[EnvVar]) -> Startup {
        match run {
            Run::Shell { line } => {
                // The entry point puts variables in itself; ports by their long names it does not know.
                let names = placeholder::names(line);
                if names.iter().any(|name| matches!(*name, "SERVER_PORT" | "SERVER_IP")) {
                    self.needs_port("startup");
                }
                Startup::Shell { line: line.clone() }
            }
            Run::Argv { argv } => {
                let argv = argv.iter().map(|word| self.filled(word, Site::Startup, "startup", env, String::clone));
                Startup::Argv { argv: argv.collect() }
            }
        }
    }

    fn edit(&mut self, edit: &FileEdit, env: &[EnvVar]) -> FileEdit {
        let place = format!("edits.{}", edit.path);
        let mut filled = |text: &str, as_regex: bool| {
            self.filled(text, Site::Edit, &place, env, |value| {
                // In an expression a value is only a text.
                if as_regex { regex::escape(value) } else { value.clone() }
            })
        };
        let set = edit.set.iter().map(|set| SetKey {
            key: filled(&set.key, false),
            only_if: set.only_if.as_deref().map(|text| filled(text, text.starts_with("regex:"))),
            value: match &set.value {
                EditValue::Text(text) => EditValue::Text(filled(text, false)),
                plain => plain.clone(),
            },
        });
        FileEdit { path: edit.path.clone(), parser: edit.parser, set: set.collect() }
    }

    /// A text with its placeholders put in.
    fn filled(
        &mut self,
        text: &str,
        site: Site,
        place: &str,
        env: &[EnvVar],
        form: impl Fn(&String) -> String,
    ) -> String {
        let first = self.choice.allocations.first();
        let mut needs_port = false;
        let filled = placeholder::replace(text, |name| {
            let value = match Source::parse(name, site) {
                Source::Ip | Source::Port | Source::Variable("SERVER_IP" | "SERVER_PORT") if first.is_none() => {
                    needs_port = true;
                    None
                }
                Source::Ip => first.map(|first| first.ip.to_string()),
                Source::Port => first.map(|first| first.port.to_string()),
                Source::Memory => Some(mebibytes(self.choice.limits.memory)),
                Source::Swap => Some(mebibytes(self.choice.limits.swap)),
                Source::Disk => Some(mebibytes(self.choice.limits.disk)),
                Source::Cpu => Some(self.choice.limits.cpu_percent.unwrap_or(0).to_string()),
                Source::Uuid => Some(self.facts.server.to_string()),
                Source::Variable(name) if site == Site::Edit && self.sealed.contains(name) => {
                    Some(SecretMark::of(name))
                }
                Source::Variable(name) => env.iter().rev().find(|var| var.name == name).map(|var| var.value.clone()),
                Source::Node(_) | Source::Unknown(_) => None,
            };
            value.map(|value| form(&value))
        });
        if needs_port {
            self.needs_port(place);
        }
        filled
    }

    fn needs_port(&mut self, place: &str) {
        if self.choice.allocations.is_empty() && !self.refusals.iter().any(|it| it.place == "allocations") {
            let message = format!("The template puts the server's port into {place}, and the server has none.");
            self.refuse("allocations", message, "Give it a port.");
        }
    }
}

/// A limit in MiB; 0 where there is none.
fn mebibytes(limit: Option<ByteSize>) -> String {
    limit.map_or(0, |limit| limit.bytes() >> 20).to_string()
}

#[cfg(test)]
mod tests;
