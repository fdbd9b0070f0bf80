//! Variables whose values are secrets: the node alone puts them in, into the environment and into values of files.

use super::Work;
use crate::alt::{Run, Variable};
use crate::placeholder::{self, Site, Source};

impl Work<'_> {
    /// Where a secret must not be put.
    pub(super) fn judge_secret(&mut self, variable: &Variable) {
        let place = format!("secrets.{}", variable.env);
        if self.choice.values.contains_key(&variable.env) {
            let message = format!("{} is given a value and a secret.", variable.name);
            self.refuse(&*place, message, "Give it one of them.");
        }
        let (alt, name) = (self.alt, &variable.env);
        // Copies in upper case count as well.
        let is_it = |found: &str, site| match Source::parse(found, site) {
            Source::Variable(found) => found.eq_ignore_ascii_case(name),
            _ => false,
        };
        let words = match self.chosen_run() {
            Some(Run::Argv { argv }) => argv.as_slice(),
            _ => &[],
        };
        if words.iter().flat_map(|word| placeholder::names(word)).any(|found| is_it(found, Site::Startup)) {
            let message = format!(
                "The template puts {} into the arguments of its program, which everybody on the machine can read.",
                variable.name
            );
            let fix =
                "Have the template give it by the environment or in a file, or give it a value that is no secret.";
            self.refuse(&*place, message, fix);
        }
        let keys = alt.edits.iter().flat_map(|edit| &edit.set);
        let mut names = keys.flat_map(|set| [Some(&set.key), set.only_if.as_ref()]).flatten();
        if names.any(|text| placeholder::names(text).into_iter().any(|found| is_it(found, Site::Edit))) {
            let message = format!("The template makes the name of a key, or a condition, of {}.", variable.name);
            let fix = "Have the template use it in values alone, or give it a value that is no secret.";
            self.refuse(place, message, fix);
        }
    }
}
