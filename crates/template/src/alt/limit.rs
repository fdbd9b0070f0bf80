//! How much of everything a template may have. Together they keep a server's spec within a frame to its node.

/// Bytes of a template as JSON: 1 MiB.
pub const ALT_BYTES: usize = 1 << 20;
/// Characters of a name or a label.
pub const NAME_CHARS: usize = 191;
/// Characters of an author.
pub const AUTHOR_CHARS: usize = 254;
/// Characters of a template's description.
pub const DESCRIPTION_CHARS: usize = 16 * 1024;
/// Tags of a template, and features.
pub const WORDS: usize = 64;
/// Characters of a tag or a feature.
pub const WORD_CHARS: usize = 64;
/// Bytes of an icon as a data URI: 512 KiB.
pub const ICON_BYTES: usize = 512 * 1024;
/// Images to choose from.
pub const IMAGES: usize = 64;
/// Characters of an image's reference.
pub const IMAGE_CHARS: usize = 255;
/// Ways to start.
pub const STARTUPS: usize = 32;
/// Bytes of one way to start as JSON writes it: 8 KiB, since it is a value of the environment too.
pub const STARTUP_JSON_BYTES: usize = 8 * 1024;
/// Words of one way to start.
pub const STARTUP_WORDS: usize = 256;
/// Variables of a template.
pub const VARIABLES: usize = 256;
/// Characters of a variable's description.
pub const VARIABLE_DESCRIPTION_CHARS: usize = 8 * 1024;
/// Bytes of a value: 8 KiB, as of any environment variable on a node.
pub const VALUE_BYTES: usize = 8 * 1024;
/// Rules of a variable.
pub const RULES: usize = 32;
/// Regular expressions of a template: in rules, ready lines and conditions of edits.
pub const EXPRESSIONS: usize = 256;
/// Bytes of one rule.
pub const RULE_BYTES: usize = 4 * 1024;
/// Files that are edited.
pub const FILES: usize = 64;
/// Keys that are set in one file.
pub const KEYS: usize = 512;
/// Bytes of a key, and of a condition.
pub const KEY_BYTES: usize = 512;
/// Ready lines.
pub const READY_LINES: usize = 32;
/// Characters of a ready line, as of its expression.
pub const READY_CHARS: usize = 512;
/// Longest time a start waits for its ready line: 24 h.
pub const READY_WITHIN_MS: u64 = 24 * 3600 * 1000;
/// Longest grace of a stop: 1 h.
pub const GRACE_MS: u64 = 3600 * 1000;
/// Patterns of denied paths.
pub const DENIED: usize = 256;
/// Characters of such a pattern.
pub const DENIED_CHARS: usize = 512;
/// Bytes of an install script as JSON writes it, which is how it travels: 32 KiB.
pub const SCRIPT_JSON_BYTES: usize = sf_protocol::server::InstallScript::MAX_BYTES;
/// Defects that are told.
pub const DEFECTS: usize = 200;
/// Bytes of the notes as JSON: 256 KiB.
pub const NOTES_BYTES: usize = 256 * 1024;
