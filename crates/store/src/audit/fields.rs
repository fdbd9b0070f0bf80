//! What may stand in an audit line besides its columns: a closed list, so that nobody writes down a person's data, a
//! secret or free text by accident. A new name is a line here and in the guide `docs/guides/audit.md`.

/// Names of structured details and what their values are. None of them is ever typed by a person.
pub const FIELDS: &[(&str, &str)] = &[
    ("because", "policy's reason for its answer, in its own words"),
    ("command", "id of the signed order"),
    ("fault", "code of the fault"),
    ("waits", "for whom: `person`"),
    ("kind", "kind of a session or of a credential"),
    ("role", "id or name of a role"),
    ("permission", "a permission"),
    ("object", "kind and id of the object a right is for"),
    ("version", "number of a version"),
    ("method", "how somebody proved who they are: `password`, `totp`, `recovery`, `device`"),
    ("count", "how many"),
    ("epoch", "number of an epoch"),
    ("format", "format of an export"),
    ("from", "first line or moment of a span"),
    ("to", "last line or moment of a span"),
    ("subject", "id of the person concerned"),
    ("token", "id of a token"),
    ("session", "id of a session"),
    ("before", "SHA-256 of a file that was read, or was to be changed; `absent`"),
    ("bytes", "how many bytes"),
    ("arguments", "SHA-256 of the arguments that an AI host gave a tool"),
    ("through", "what stood in for signing in: `data folder`"),
];

/// Names of details about persons: kept beside the chain, committed to by it, erased after their time.
pub const PERSONAL: &[(&str, Retention)] = &[
    ("email", Retention::SignIn),
    ("name", Retention::SignIn),
    ("ip", Retention::Address),
    ("userAgent", Retention::Address),
];

/// Bytes of one detail at the most; longer ones are cut.
pub const MAX_FIELD_BYTES: usize = 1024;

/// How long a detail about a person is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Retention {
    /// As long as sign-ins are told apart.
    SignIn,
    /// As long as network addresses are needed against abuse.
    Address,
}

/// Whether a structured detail may be written.
pub fn is_listed(name: &str) -> bool {
    FIELDS.iter().any(|(listed, _)| *listed == name)
}

/// Whether a detail about a person may be written.
pub fn is_personal(name: &str) -> bool {
    PERSONAL.iter().any(|(listed, _)| *listed == name)
}

/// The value, cut at a character where it is too long.
pub(crate) fn cut(mut value: String) -> String {
    if value.len() > MAX_FIELD_BYTES {
        let end = (0..=MAX_FIELD_BYTES).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
        value.truncate(end);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_explains_every_name() {
        let guide = include_str!("../../../../docs/guides/audit.md");
        for name in FIELDS.iter().map(|(name, _)| name).chain(PERSONAL.iter().map(|(name, _)| name)) {
            assert!(guide.contains(&format!("`{name}`")), "docs/guides/audit.md does not name `{name}`");
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let long = "é".repeat(MAX_FIELD_BYTES);
        assert_eq!(cut(long).len(), MAX_FIELD_BYTES);
        assert_eq!(cut(format!("a{}", "é".repeat(MAX_FIELD_BYTES))).len(), MAX_FIELD_BYTES - 1);
        assert_eq!(cut("short".into()), "short");
    }
}
