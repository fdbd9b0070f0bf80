//! Files of a server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_protocol::server::{FileContent, FileVerb};
use sf_types::{ContentHash, FileState, RunId, ServerId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;
use crate::valid::Refused;

/// A change of files. Paths are below the server's folder; names that are no plain text are written as lists show them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum FileAction {
    /// Write a file whole.
    #[serde(rename = "file.write")]
    Write(Box<Write>),
    /// Make a folder.
    #[serde(rename = "file.create-folder")]
    CreateFolder(CreateFolder),
    /// Give a file or folder another name or place.
    #[serde(rename = "file.rename")]
    Rename(FromTo),
    /// Copy a file or folder.
    #[serde(rename = "file.copy")]
    Copy(FromTo),
    /// Delete files and folders.
    #[serde(rename = "file.delete")]
    Delete(Delete),
    /// Set the mode of a file or folder.
    #[serde(rename = "file.mode")]
    Mode(Mode),
    /// Pack files and folders into an archive.
    #[serde(rename = "file.compress")]
    Compress(Compress),
    /// Unpack an archive.
    #[serde(rename = "file.extract")]
    Extract(Extract),
    /// Begin an upload.
    #[serde(rename = "file.upload")]
    Upload(Upload),
    /// Show an upload at its place.
    #[serde(rename = "file.finish-upload")]
    FinishUpload(FinishUpload),
    /// Give an upload up.
    #[serde(rename = "file.abort-upload")]
    AbortUpload(AbortUpload),
}

/// Arguments of `file.write`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Write {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// The file: `config/server.properties`.
    pub path: String,
    /// What shall be in it; or else `base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What shall be in it where that is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// How it was when it was looked at: its SHA-256 in hex, or `absent`. Found otherwise, nothing is done. Whatever is
    /// there is replaced where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub before: Option<FileState>,
}

/// Arguments of `file.create-folder`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateFolder {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// The folder.
    pub path: String,
    /// Whether those above it are made, too; it may be there already then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parents: bool,
}

/// Arguments of `file.rename` and `file.copy`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FromTo {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// What is there.
    pub from: String,
    /// Where it shall be; nothing may be there.
    pub to: String,
}

/// Arguments of `file.delete`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delete {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// Files and folders, at most 100.
    pub paths: Vec<String>,
}

/// Arguments of `file.mode`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mode {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// The file or folder.
    pub path: String,
    /// In octal digits: `644`.
    pub mode: String,
}

/// Arguments of `file.compress`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compress {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// The folder that they are in; the server's own unless given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// Names in that folder, at most 100.
    pub names: Vec<String>,
    /// The archive: a path that ends in `.zip`, `.tar.gz` or `.tgz`.
    pub into: String,
}

/// Arguments of `file.extract`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extract {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// The archive.
    pub path: String,
    /// The folder that it is unpacked in; the server's own unless given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub into: String,
    /// Whether files take the place of files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
}

/// Arguments of `file.upload`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upload {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// Where it shall be; the folders above it are there.
    pub path: String,
    /// Bytes of all of it, at most 1 TiB.
    pub bytes: u64,
    /// Whether it may take the place of a file that is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overwrite: bool,
    /// Who may do what with it, in octal digits: `644`. Left out, it is as a new file's or that of the file replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// Arguments of `file.finish-upload`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FinishUpload {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// The upload: the run that began it.
    #[schemars(schema_with = "crate::spec::arguments::run")]
    pub upload: RunId,
    /// SHA-256 of all of it, in hex. Found otherwise, nothing is shown; not compared where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub sha256: Option<ContentHash>,
    /// How its place was when it was looked at: the SHA-256 of the file there in hex, or `absent`. Found otherwise, nothing
    /// is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub before: Option<FileState>,
}

/// Arguments of `file.abort-upload`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AbortUpload {
    /// Which server.
    #[schemars(schema_with = "crate::spec::arguments::server")]
    pub server: ServerId,
    /// The upload: the run that began it.
    #[schemars(schema_with = "crate::spec::arguments::run")]
    pub upload: RunId,
}

impl Upload {
    /// Bytes of one upload at the most: 1 TiB.
    pub const BYTES_MAX: u64 = 1 << 40;
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    spec(
        "file.write",
        "Write a file of a server",
        "Puts a new file in the place of the one that is there, unless that was changed meanwhile.",
        (Permission::FileWrite, Effect::Change),
        (30, 5),
    ),
    spec(
        "file.create-folder",
        "Make a folder of a server",
        "Makes a folder among its files.",
        (Permission::FileWrite, Effect::Change),
        (5, 5),
    ),
    spec(
        "file.rename",
        "Rename a file of a server",
        "Gives a file or folder another name or place, where nothing is.",
        (Permission::FileWrite, Effect::Change),
        (30, 5),
    ),
    spec(
        "file.copy",
        "Copy files of a server",
        "Copies a file or folder to where nothing is, within the server's disk limit.",
        (Permission::FileWrite, Effect::Change),
        (10, 30),
    ),
    spec(
        "file.delete",
        "Delete files of a server",
        "Deletes files and folders with all that is in them.",
        (Permission::FileDelete, Effect::Destroy),
        (60, 30),
    ),
    spec(
        "file.mode",
        "Set a file's mode",
        "Sets who may read, write and run a file or enter a folder.",
        (Permission::FileWrite, Effect::Change),
        (20, 5),
    ),
    spec(
        "file.compress",
        "Pack files of a server",
        "Packs files and folders into an archive where nothing is.",
        (Permission::FileArchive, Effect::Change),
        (10, 60),
    ),
    spec(
        "file.extract",
        "Unpack an archive of a server",
        "Unpacks all of an archive, or nothing where one entry of it cannot be taken.",
        (Permission::FileArchive, Effect::Change),
        (35, 60),
    ),
    spec(
        "file.upload",
        "Upload a file to a server",
        "Begins an upload. Nothing is seen at its place before it is finished.",
        (Permission::FileWrite, Effect::Change),
        (30, 5),
    ),
    spec(
        "file.finish-upload",
        "Finish an upload",
        "Shows what was uploaded at the place that was said when it was begun.",
        (Permission::FileWrite, Effect::Change),
        (5, 60),
    ),
    spec(
        "file.abort-upload",
        "Give an upload up",
        "Removes what was uploaded and not finished.",
        (Permission::FileWrite, Effect::Change),
        (5, 5),
    ),
];

const fn spec(
    name: &'static str,
    title: &'static str,
    help: &'static str,
    (permission, effect): (Permission, Effect),
    (risk, time): (u8, u64),
) -> Spec {
    let (target, time_limit) = (TargetKind::Server, minutes(time));
    Spec { name, title, help, permission, target, effect, risk, time_limit, undo: None, place: Place::Node }
}

impl FileAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Write(_) => &SPECS[0],
            Self::CreateFolder(_) => &SPECS[1],
            Self::Rename(_) => &SPECS[2],
            Self::Copy(_) => &SPECS[3],
            Self::Delete(_) => &SPECS[4],
            Self::Mode(_) => &SPECS[5],
            Self::Compress(_) => &SPECS[6],
            Self::Extract(_) => &SPECS[7],
            Self::Upload(_) => &SPECS[8],
            Self::FinishUpload(_) => &SPECS[9],
            Self::AbortUpload(_) => &SPECS[10],
        }
    }

    /// The server.
    pub const fn server(&self) -> ServerId {
        match self {
            Self::Write(args) => args.server,
            Self::CreateFolder(args) => args.server,
            Self::Rename(args) | Self::Copy(args) => args.server,
            Self::Delete(args) => args.server,
            Self::Mode(args) => args.server,
            Self::Compress(args) => args.server,
            Self::Extract(args) => args.server,
            Self::Upload(args) => args.server,
            Self::FinishUpload(args) => args.server,
            Self::AbortUpload(args) => args.server,
        }
    }

    /// In the words of the protocol.
    ///
    /// # Errors
    /// [`Refused`] names the field that no node could make sense of.
    pub fn verb(&self) -> Result<FileVerb, Refused> {
        Ok(match self {
            Self::Write(args) => {
                FileVerb::Write { path: below("path", &args.path)?, content: args.content()?, before: args.before }
            }
            Self::CreateFolder(args) => FileVerb::Folder { path: below("path", &args.path)?, parents: args.parents },
            Self::Rename(args) => FileVerb::Rename { from: below("from", &args.from)?, to: below("to", &args.to)? },
            Self::Copy(args) => FileVerb::Copy { from: below("from", &args.from)?, to: below("to", &args.to)? },
            Self::Delete(args) => FileVerb::Delete { paths: several("paths", &args.paths)? },
            Self::Mode(args) => FileVerb::Mode { path: below("path", &args.path)?, mode: mode(&args.mode)? },
            Self::Compress(args) => {
                let (folder, names) = (path("folder", &args.folder)?, several("names", &args.names)?);
                if names.iter().any(|name| name.contains('/')) {
                    return Err(Refused::new("names", "names in the folder, without `/`"));
                }
                let into = below("into", &args.into)?;
                let known = [".zip", ".tar.gz", ".tgz"];
                if !known.iter().any(|end| into.to_ascii_lowercase().ends_with(end)) {
                    return Err(Refused::new("into", "the name of an archive ends in .zip, .tar.gz or .tgz"));
                }
                FileVerb::Compress { folder, names, into }
            }
            Self::Extract(args) => {
                let (archive, into) = (below("path", &args.path)?, path("into", &args.into)?);
                FileVerb::Extract { path: archive, into, replace: args.replace }
            }
            Self::Upload(args) => {
                if args.bytes > Upload::BYTES_MAX {
                    return Err(Refused::new("bytes", "at most 1 TiB"));
                }
                let (path, mode) = (below("path", &args.path)?, args.mode.as_deref().map(mode).transpose()?);
                FileVerb::Upload { path, bytes: args.bytes, replace: args.overwrite, mode }
            }
            Self::FinishUpload(args) => {
                FileVerb::Finish { upload: args.upload, hash: args.sha256, before: args.before }
            }
            Self::AbortUpload(args) => FileVerb::Abort { upload: args.upload },
        })
    }

    /// Refuses what no node could carry out.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        self.verb().map(drop)
    }
}

impl Write {
    fn content(&self) -> Result<FileContent, Refused> {
        let content = match (&self.text, &self.base64) {
            (Some(text), None) => FileContent::Text(text.clone()),
            (None, Some(text)) => FileContent::Base64(text.clone()),
            _ => return Err(Refused::new("text", "say what shall be in the file: by `text` or by `base64`")),
        };
        let field = if self.text.is_some() { "text" } else { "base64" };
        let bytes = content.bytes().map_err(|fault| Refused::new(field, fault.message))?;
        let written = sf_protocol::wire::write(&content).len();
        if bytes.len() > FileContent::BYTES_MAX || written > FileContent::JSON_BYTES_MAX + "{'base64':}".len() {
            return Err(Refused::new(field, "at most 32 KiB of text, or 27 KiB of anything else, fit into one order"));
        }
        Ok(content)
    }
}

/// A path, by the rules that hold for all; what its names may be is known on the node. `/` at its ends says nothing.
fn path(field: &str, text: &str) -> Result<String, Refused> {
    let text = text.trim_matches('/');
    if text.len() > FileVerb::PATH_BYTES {
        return Err(Refused::new(field, "at most 4,096 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(Refused::new(field, "write bytes that are no plain text as \\xHH"));
    }
    if !text.is_empty() && text.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return Err(Refused::new(field, "a path is names with `/` between them, none of them `.` or `..`"));
    }
    Ok(text.to_owned())
}

/// A path of something in the server's folder.
fn below(field: &str, text: &str) -> Result<String, Refused> {
    let path = path(field, text)?;
    if path.is_empty() { Err(Refused::new(field, "name something in the server's folder")) } else { Ok(path) }
}

fn several(field: &str, all: &[String]) -> Result<Vec<String>, Refused> {
    if all.is_empty() || all.len() > FileVerb::PATHS_MAX {
        return Err(Refused::new(field, "between 1 and 100"));
    }
    let paths = all.iter().map(|text| below(field, text)).collect::<Result<Vec<_>, _>>()?;
    if sf_protocol::wire::write(&paths).len() > FileVerb::PATHS_JSON_BYTES {
        return Err(Refused::new(field, "too long for one order: name fewer at once"));
    }
    Ok(paths)
}

fn mode(text: &str) -> Result<u32, Refused> {
    let known = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| known && *mode <= 0o777);
    mode.ok_or_else(|| Refused::new("mode", "three octal digits: 644"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(action: &str, args: Value, field: Option<&str>) {
        let mut args = args;
        args["server"] = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b".into();
        let action: FileAction = serde_json::from_value(json!({ "action": action, "args": args })).unwrap();
        let refused = action.check().map_err(|refused| refused.field);
        assert_eq!(refused, field.map_or(Ok(()), |field| Err(field.to_owned())), "{action:?}");
    }

    #[test]
    fn what_no_node_could_carry_out_is_refused() {
        let write = "file.write";
        check(write, json!({ "path": "/a/b.txt/", "text": "x" }), None);
        check(write, json!({ "path": "a", "base64": "eA==", "before": "absent" }), None);
        check(write, json!({ "path": "a" }), Some("text"));
        check(write, json!({ "path": "a", "text": "x", "base64": "eA==" }), Some("text"));
        check(write, json!({ "path": "a", "base64": "eA" }), Some("base64"));
        check(write, json!({ "path": "a", "text": "x".repeat(32 * 1024) }), None);
        check(write, json!({ "path": "a", "text": "x".repeat(32 * 1024 + 1) }), Some("text"));
        check(write, json!({ "path": "a", "text": "\u{1}".repeat(7000) }), Some("text"));
        check(write, json!({ "path": "a", "base64": "A".repeat(36_860) }), None);
        check(write, json!({ "path": "a", "base64": "A".repeat(36_872) }), Some("base64"));
        for bad in ["", "/", "a//b", "../a", "a/./b", "a\nb", &"a".repeat(4097)] {
            check("file.create-folder", json!({ "path": bad }), Some("path"));
        }
        check("file.rename", json!({ "from": "a", "to": "" }), Some("to"));
        check("file.copy", json!({ "from": "..", "to": "b" }), Some("from"));
        check("file.delete", json!({ "paths": [] }), Some("paths"));
        check("file.delete", json!({ "paths": vec!["a"; 101] }), Some("paths"));
        check("file.delete", json!({ "paths": vec!["a".repeat(4000); 10] }), Some("paths"));
        check("file.delete", json!({ "paths": ["a", "b\\x0a"] }), None);
        for (mode, field) in
            [("644", None), ("0755", None), ("4755", Some("mode")), ("9", Some("mode")), ("+44", Some("mode"))]
        {
            check("file.mode", json!({ "path": "a", "mode": mode }), field);
        }
        check("file.compress", json!({ "names": ["a"], "into": "b/c.TAR.GZ" }), None);
        check("file.compress", json!({ "names": ["a/b"], "into": "c.zip" }), Some("names"));
        check("file.compress", json!({ "names": ["a"], "into": "c.rar" }), Some("into"));
        check("file.extract", json!({ "path": "a.zip" }), None);
        check("file.upload", json!({ "path": "a.zip", "bytes": 0, "mode": "755" }), None);
        check("file.upload", json!({ "path": "a/../b", "bytes": 1 }), Some("path"));
        check("file.upload", json!({ "path": "a", "bytes": Upload::BYTES_MAX + 1 }), Some("bytes"));
        check("file.upload", json!({ "path": "a", "bytes": 1, "mode": "4755" }), Some("mode"));
        check("file.extract", json!({ "path": "a.zip", "into": "../b" }), Some("into"));
    }

    #[test]
    fn a_write_is_shown_without_what_it_writes() {
        let args = json!({ "server": "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "path": "a" });
        for (field, text, bytes) in [("text", "secret", 6), ("base64", "c2VjcmV0", 6)] {
            let mut args = args.clone();
            args[field] = text.into();
            let action: crate::Action =
                serde_json::from_value(json!({ "action": "file.write", "args": args })).unwrap();
            let shown = action.shown();
            assert!(!shown.to_string().contains(text), "{shown}");
            assert_eq!(shown["args"]["textBytes"], bytes);
        }
    }
}
