//! Which commit a branch, a tag or the default branch is, from what `git ls-remote --symref` lists.
//!
//! A pattern of ls-remote also matches the end of a longer name (`HEAD` that of the branch `x/HEAD`), so what it lists
//! is held against the full names once more.

use crate::source::url;

/// The commit, and what was asked for by its own name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Tip {
    pub commit: String,
    pub reference: String,
}

/// Full names that may be meant, the one that counts first: a branch before a tag of the same name; of an annotated tag
/// the commit behind it, not the tag itself.
pub(super) fn names(reference: Option<&str>) -> Vec<String> {
    match reference {
        Some(name) => {
            vec![format!("refs/heads/{name}"), format!("refs/tags/{name}^{{}}"), format!("refs/tags/{name}")]
        }
        None => vec!["HEAD".to_owned()],
    }
}

/// Finds it in lines of `<commit> TAB <name>` and `ref: <target> TAB <name>`.
pub(super) fn find(lines: &[String], reference: Option<&str>) -> Option<Tip> {
    let listed = || lines.iter().filter_map(|line| line.split_once('\t'));
    let commit_of = |wanted: &String| listed().find(|(first, name)| name == wanted && url::check_commit(first).is_ok());
    let (commit, _) = names(reference).iter().find_map(commit_of)?;
    let default =
        || listed().find_map(|(first, name)| first.strip_prefix("ref: refs/heads/").filter(|_| name == "HEAD"));
    let named = reference.or_else(default).filter(|name| url::check_reference(name).is_ok());
    Some(Tip { commit: commit.to_owned(), reference: named.unwrap_or("HEAD").to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_full_name_counts() {
        let commit = |digit: char| digit.to_string().repeat(40);
        let lines = |listed: &[(char, &str)]| -> Vec<String> {
            listed.iter().map(|(digit, name)| format!("{}\t{name}", commit(*digit))).collect()
        };
        let main = Some("main");
        for (listed, reference, expected) in [
            (&[('a', "refs/heads/main")][..], main, Some('a')),
            (&[('a', "refs/heads/x/main"), ('b', "refs/heads/main")], main, Some('b')),
            (&[('a', "refs/heads/x/main")], main, None),
            (&[('a', "refs/x/refs/heads/main")], main, None),
            (&[('a', "refs/tags/main"), ('b', "refs/tags/main^{}")], main, Some('b')),
            (&[('a', "refs/tags/main"), ('b', "refs/tags/main^{}"), ('c', "refs/heads/main")], main, Some('c')),
            (&[('a', "refs/heads/x/HEAD"), ('b', "refs/heads/HEAD")], None, None),
            (&[('a', "refs/heads/x/HEAD"), ('b', "HEAD")], None, Some('b')),
        ] {
            let found = find(&lines(listed), reference).map(|tip| tip.commit);
            assert_eq!(found, expected.map(commit), "{listed:?}");
        }
        let mut listed = lines(&[('a', "HEAD")]);
        listed.insert(0, "ref: refs/heads/other\trefs/heads/x/HEAD".to_owned());
        listed.insert(1, "ref: refs/heads/trunk\tHEAD".to_owned());
        assert_eq!(find(&listed, None).unwrap().reference, "trunk");
        assert_eq!(find(&lines(&[('a', "HEAD")]), None).unwrap().reference, "HEAD");
    }
}
