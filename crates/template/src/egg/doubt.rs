//! What is odd about a template that was read: nothing was left out for it, and a person should know.

use sf_protocol::server::EditValue;

use super::parts::Parts;
use crate::alt::{Alt, Run, RuntimeKind, Variable, limit};
use crate::name;
use crate::placeholder::{self, Site, Source};
use crate::rule::Rules;
use crate::text::quoted;

pub(super) fn of(alt: &Alt, parts: &mut Parts) {
    if alt.runtime == RuntimeKind::Docker && alt.images.is_empty() {
        parts.attend("docker_images", "There is no image; one has to be named for every server.");
    }
    // More than allowed are a defect, and nobody has to wait for what each of them says.
    let is_too_much = alt.variables.len() > limit::VARIABLES || alt.expressions() > limit::EXPRESSIONS;
    for (index, variable) in alt.variables.iter().enumerate().filter(|_| !is_too_much) {
        of_variable(&format!("variables[{index}]"), variable, parts);
    }
    of_startups(alt, parts);
    of_edits(alt, parts);
    if alt.ready.lines.is_empty() {
        parts.note("config.startup", "No ready line: servers count as running as soon as they are started.");
    }
}

fn of_variable(place: &str, variable: &Variable, parts: &mut Parts) {
    if name::danger(&variable.env).is_some() {
        let message =
            format!("{} changes which programs are started or what they load in the container.", variable.env);
        parts.attend(format!("{place}.env_variable"), message);
    }
    let rules = Rules::parse(&variable.rules);
    for doubt in rules.doubts() {
        parts.attend(format!("{place}.rules[{}]", doubt.rule), doubt.message.clone());
    }
    if !variable.default.is_empty() {
        let verdict = rules.check(&variable.default);
        if !verdict.wrong.is_empty() {
            let message =
                format!("The default of {} is refused by its own rules: {}.", variable.env, verdict.wrong.join(", "));
            parts.note(format!("{place}.default_value"), message);
        }
    }
    if variable.default.chars().any(|c| c.is_control() && c != '\t') {
        parts.attend(format!("{place}.default_value"), "It has line breaks or control characters.");
    }
}

fn of_startups(alt: &Alt, parts: &mut Parts) {
    for (index, startup) in alt.startups.iter().enumerate() {
        let Run::Shell { line } = &startup.run else { continue };
        for found in placeholder::names(line) {
            let known = match Source::parse(found, Site::Startup) {
                Source::Variable(name) => name == found && is_known(alt, name),
                _ => false,
            };
            if !known {
                let message = format!(
                    "{} is no variable of this egg; the image may have it.",
                    quoted(&format!("{{{{{found}}}}}"))
                );
                parts.note(format!("startup[{index}]"), message);
            }
        }
    }
}

fn of_edits(alt: &Alt, parts: &mut Parts) {
    for edit in &alt.edits {
        for set in &edit.set {
            let value = match &set.value {
                EditValue::Text(text) => text.as_str(),
                _ => "",
            };
            for found in
                [set.key.as_str(), set.only_if.as_deref().unwrap_or(""), value].into_iter().flat_map(placeholder::names)
            {
                let why = match Source::parse(found, Site::Edit) {
                    Source::Variable(name) if !is_known(alt, name) => "is no variable of this egg",
                    Source::Unknown(_) => "is not known, and stays as it is",
                    _ => continue,
                };
                let message = format!("{} {why}.", quoted(&format!("{{{{{found}}}}}")));
                parts.attend(format!("config.files[{}].{}", quoted(edit.path.as_str()), quoted(&set.key)), message);
            }
        }
    }
}

fn is_known(alt: &Alt, name: &str) -> bool {
    alt.variable(name).is_some() || name::is_injected(name) || name == "TZ"
}
