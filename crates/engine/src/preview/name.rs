//! What a preview is called: of the branch's name what can stand in a host name.

use sf_types::{AppId, DomainName, Slug};
use sha2::{Digest, Sha256};

/// Hexadecimal digits that tell branches apart whose names look alike.
const MARK: usize = 8;
/// Characters kept of the app's name where not everything fits.
const APP: usize = 12;
/// Where nothing of a branch's name can stand in a host name.
const NAMELESS: &str = "branch";

/// Names for the preview of a branch, the best first: `feature/x` of `shop` is `feature-x-shop`. The last one is its own,
/// however much of the branch's name is lost; it is meant for when the first is another branch's.
pub fn names(app: AppId, slug: &Slug, branch: &str) -> Vec<Slug> {
    let words = Slug::suggest(branch).map_or_else(|| NAMELESS.to_owned(), |words| words.to_string());
    let plain = format!("{words}-{slug}");
    // Cut short, or made of nothing, it would say what it is not.
    let is_whole = branch.chars().count() <= Slug::MAX && branch.contains(|c: char| c.is_ascii_alphabetic());
    let plain = plain.parse::<Slug>().ok().filter(|_| is_whole);
    let own = part(slug.as_str(), APP);
    let room = Slug::MAX - own.len() - MARK - 2;
    let marked = format!("{}-{}-{own}", part(&words, room), mark(app, branch));
    plain.into_iter().chain(marked.parse().ok()).collect()
}

/// Where it is reached: its name below the base.
pub fn domain(name: &Slug, base: &DomainName) -> Option<DomainName> {
    format!("{name}.{base}").parse().ok()
}

fn part(text: &str, most: usize) -> &str {
    text[..text.len().min(most)].trim_end_matches('-')
}

fn mark(app: AppId, branch: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(app.uuid().as_bytes());
    hash.update(branch.as_bytes());
    let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    digits[..MARK].to_owned()
}

#[cfg(test)]
mod tests {
    use sf_types::{Timestamp, TypedId};

    use super::*;

    fn app(n: u8) -> AppId {
        AppId::from_parts(Timestamp::from_millis(1), [n; 10])
    }

    fn of(branch: &str, slug: &str) -> Vec<String> {
        names(app(1), &slug.parse().unwrap(), branch).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_says_what_it_is_of_where_it_can() {
        let check = |branch: &str, first: &str| assert_eq!(of(branch, "shop")[0], first, "{branch}");
        check("feature/x", "feature-x-shop");
        check("feature-x", "feature-x-shop");
        check("Fix_Cart.2", "fix-cart-2-shop");
        // Nothing left of it, cut short, or too long with its app's name: with a mark.
        for (branch, slug) in [
            ("größe/übung", "shop"),
            ("日本語", "shop"),
            ("123", "shop"),
            (&"x".repeat(255), "shop"),
            (&format!("{}/{}", "a".repeat(120), "b".repeat(120)), "shop"),
            ("feature/with-a-rather-long-name", "a-shop-with-a-rather-long-name-as-well-x"),
            ("x\";}server{", "shop"),
            ("a\u{202e}b", "shop"),
        ] {
            let names = of(branch, slug);
            assert!(!names.is_empty(), "{branch}");
            for name in &names {
                assert!(name.parse::<Slug>().is_ok() && name.len() <= Slug::MAX, "{name}");
                let base = "preview.example.org".parse().unwrap();
                assert!(domain(&name.parse().unwrap(), &base).unwrap().is_within(&base));
            }
        }
        assert!(of("日本語", "shop")[0].starts_with("branch-"));
    }

    #[test]
    fn branches_that_look_alike_have_names_of_their_own() {
        let alike = ["feature/x", "feature-x", "Feature/X", "feature.x", "feature_x"];
        let mut last: Vec<_> = alike.iter().map(|branch| of(branch, "shop").pop().unwrap()).collect();
        last.sort_unstable();
        last.dedup();
        assert_eq!(last.len(), alike.len());
        // `a-b` of `c`, and `a` of `b-c`.
        assert_eq!(of("a-b", "c")[0], of("a", "b-c")[0]);
        let other = names(app(2), &"b-c".parse().unwrap(), "a");
        assert_ne!(of("a-b", "c").last().unwrap(), other.last().unwrap().as_str());
    }

    proptest::proptest! {
        #[test]
        fn every_branch_has_a_name(branch in "\\PC{1,255}", slug in "[a-z][a-z0-9]{0,39}") {
            let names = names(app(1), &slug.parse().unwrap(), &branch);
            let last = names.last().unwrap();
            proptest::prop_assert!(domain(last, &"p.example.org".parse().unwrap()).is_some());
        }
    }
}
