//! Whether a push or a pull request makes a preview, ends one, or does nothing; and why.

use sf_actions::preview::PreviewSettings;
use sf_types::Timestamp;

use super::glob::fits;
use crate::push::{self, Past, Push, Request, Stage, Wanted};

/// What is known of the app already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known<'a> {
    /// The branch that is deployed itself, where it is known.
    pub own: Option<&'a str>,
    /// Whether the branch has a preview, however it came to be.
    pub has_one: bool,
    /// Folders and files, of which one must have changed; all where empty.
    pub paths: &'a [String],
    /// What was told of the branch.
    pub past: Past<'a>,
}

/// What is made of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A preview is made of this commit, or brought up to date, and why.
    Make {
        /// Which.
        commit: String,
        /// Why.
        because: String,
    },
    /// The branch's preview is deleted, and why.
    End(String),
    /// Nothing.
    Ignore {
        /// Why.
        why: String,
        /// Whether it was taken up all the same.
        heard: bool,
    },
}

fn nothing(why: impl Into<String>) -> Verdict {
    Verdict::Ignore { why: why.into(), heard: false }
}

/// Judges the push of a branch that is not the app's own.
pub fn judge(push: &Push, settings: &PreviewSettings, known: Known<'_>, now: Timestamp) -> Verdict {
    let branch = &push.branch;
    if push.commit.is_none() {
        return match known.has_one {
            true => Verdict::End(format!("The branch `{branch}` was deleted.")),
            false => nothing(format!("The branch `{branch}` was deleted, and had no preview.")),
        };
    }
    if !known.has_one && !fits(&settings.branches, branch) {
        return nothing(format!("`{branch}` is not like `{}`, of which there are previews.", settings.branches));
    }
    // A preview that is not there yet has nothing that a filter could leave as it is.
    let paths = if known.has_one { known.paths } else { &[] };
    match push::judge(push, Wanted { branch: Some(branch), paths }, known.past, now) {
        push::Verdict::Deploy { commit, because } => Verdict::Make { commit, because },
        push::Verdict::Ignore { why, heard } => Verdict::Ignore { why, heard },
    }
}

/// Judges what became of a pull request. What comes from a fork never runs: whoever opens a request there is a stranger, and
/// their code would be given the previews' secrets.
pub fn judge_request(request: &Request, settings: &PreviewSettings, known: Known<'_>) -> Verdict {
    let branch = &request.branch;
    if !settings.requests {
        return nothing("Pull requests make no previews of this app.");
    }
    if !request.is_own {
        return nothing(
            "It comes from another repository: what a fork sends never runs here, since it would be given secrets.",
        );
    }
    if known.own == Some(branch) {
        return nothing(format!("`{branch}` is deployed itself."));
    }
    match request.stage {
        Stage::Closed if known.has_one => Verdict::End(format!("The request of `{branch}` was merged or closed.")),
        Stage::Closed => nothing(format!("The request of `{branch}` was merged or closed, and had no preview.")),
        Stage::Other => nothing("Nothing was pushed to the request."),
        Stage::Open => {
            let because = format!("The request of `{branch}` has another commit.");
            Verdict::Make { commit: request.commit.clone(), because }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::Changed;

    const NOW: Timestamp = Timestamp::from_millis(1_795_242_461_007);

    fn commit(digit: char) -> String {
        digit.to_string().repeat(40)
    }

    fn settings() -> PreviewSettings {
        let below = PreviewSettings::below("preview.example.org".parse().unwrap());
        PreviewSettings { branches: "feature/*".into(), requests: true, ..below }
    }

    fn known(has_one: bool) -> Known<'static> {
        Known { own: Some("main"), has_one, paths: &[], past: Past { pushes: &[], live: None } }
    }

    #[track_caller]
    fn check(verdict: &Verdict, expected: &str) {
        let (word, text) = match verdict {
            Verdict::Make { because, .. } => ("make", because),
            Verdict::End(why) => ("end", why),
            Verdict::Ignore { why, .. } => ("ignore", why),
        };
        let (wanted, part) = expected.split_once(": ").unwrap();
        assert!(word == wanted && text.contains(part), "{verdict:?} instead of {expected}");
    }

    #[test]
    fn a_push_of_a_branch_like_the_pattern_makes_a_preview() {
        let of = |branch: &str, commit: Option<String>, has_one| {
            let (before, changed) = (None, Changed::Unknown("it is a test"));
            let push = Push { branch: branch.into(), before, commit, changed, default_branch: None, at: None };
            judge(&push, &settings(), known(has_one), NOW)
        };
        check(&of("feature/x", Some(commit('b')), false), "make: was pushed");
        check(&of("fix/x", Some(commit('b')), false), "ignore: not like `feature/*`");
        // One that was made by hand, or for a request, follows its branch.
        check(&of("fix/x", Some(commit('b')), true), "make: was pushed");
        check(&of("feature/x", None, true), "end: was deleted");
        check(&of("feature/x", None, false), "ignore: no preview");
    }

    #[test]
    fn folders_matter_once_there_is_a_preview() {
        let paths = ["docs".to_owned()];
        let pushes = [(Some(commit('0')), commit('a'))];
        let push = Push {
            branch: "feature/x".into(),
            before: Some(commit('a')),
            commit: Some(commit('b')),
            changed: Changed::Files(vec!["web/a.ts".into()]),
            default_branch: None,
            at: None,
        };
        let of = |has_one| {
            let past = Past { pushes: &pushes, live: None };
            judge(&push, &settings(), Known { paths: &paths, past, ..known(has_one) }, NOW)
        };
        check(&of(false), "make: was pushed");
        check(&of(true), "ignore: Nothing in `docs`");
    }

    #[test]
    fn a_request_is_previewed_only_where_it_comes_from_the_same_repository() {
        let request =
            |stage, is_own| Request { branch: "fix/x".into(), commit: commit('b'), is_own, stage, about: "7".into() };
        let of = |stage, is_own, has_one| judge_request(&request(stage, is_own), &settings(), known(has_one));
        check(&of(Stage::Open, true, false), "make: another commit");
        for stage in [Stage::Open, Stage::Closed, Stage::Other] {
            for has_one in [true, false] {
                check(&of(stage, false, has_one), "ignore: another repository");
            }
        }
        check(&of(Stage::Closed, true, true), "end: merged or closed");
        check(&of(Stage::Closed, true, false), "ignore: no preview");
        check(&of(Stage::Other, true, true), "ignore: Nothing was pushed");
        let off = PreviewSettings { requests: false, ..settings() };
        check(&judge_request(&request(Stage::Open, true), &off, known(false)), "ignore: no previews");
        let own = Known { own: Some("fix/x"), ..known(false) };
        check(&judge_request(&request(Stage::Open, true), &settings(), own), "ignore: deployed itself");
    }
}
