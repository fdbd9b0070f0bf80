//! What a server's files must say before it starts. The server writes to them, too, so every step is by a descriptor and
//! follows no link, and a file changes by one rename.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;
use sf_protocol::server::{EditValue, FileEdit, Parser, SecretMark, ServerRuntime, ServerSpec, SetKey};
use sf_types::{ErrorKind, Fault};

use crate::confine::Identity;
use crate::release::tree;
use crate::shim::values::Values;

/// Largest file that is edited, in bytes.
pub const EDIT_BYTES: u64 = 4 * 1024 * 1024;
/// Beside the file while it is written.
const STAGED: &str = ".serverflow-edit";
/// Of files that were not there.
const FILE_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;

/// Puts in force what `spec` says of its files below `root`. Blocks: do it aside.
///
/// # Errors
/// `server.edit`, naming the file; those before it are edited.
pub fn edit_files(spec: &ServerSpec, values: &Values, root: &Path, owner: Option<Identity>) -> Result<(), Fault> {
    edit_with((spec, values), root, owner, apply)
}

/// The new content of a file.
fn apply(parser: Parser, bytes: &[u8], set: &[SetKey]) -> Result<Vec<u8>, Fault> {
    let edited = sf_edits::apply(parser, bytes, set).map_err(|error| {
        let fault = Fault::new(ErrorKind::Conflict, "server.edit", format!("{error}."));
        fault.fix("Correct or delete the file, or change the server's settings.")
    })?;
    for warning in &edited.warnings {
        tracing::info!(key = warning.key, kind = ?warning.kind, "a key of a server's file is not as its template wants it");
    }
    Ok(edited.bytes)
}

/// What a template leaves to the node: the address at which the machine is reached from inside.
const INTERFACE: [&str; 2] = ["{{config.docker.interface}}", "{{config.docker.network.interface}}"];
/// That of containers, as engines have it unless their owner says otherwise.
const BRIDGE: &str = "172.17.0.1";

/// The keys of a file with what the node itself knows put in.
fn known_here(spec: &ServerSpec, values: &Values, set: &[SetKey]) -> Result<Vec<SetKey>, Fault> {
    let address = match spec.runtime {
        ServerRuntime::Process => "127.0.0.1",
        ServerRuntime::Docker { .. } => BRIDGE,
    };
    let put_in = |text: &str| {
        let text = INTERFACE.iter().fold(text.to_owned(), |text, name| text.replace(name, address));
        // Last, so that nothing in a secret's value is read as a placeholder.
        with_secrets(&text, values)
    };
    let each = set.iter().map(|key| {
        let value = match &key.value {
            EditValue::Text(text) => EditValue::Text(put_in(text)?),
            other => other.clone(),
        };
        Ok(SetKey { value, ..key.clone() })
    });
    each.collect()
}

/// A text with the values of secrets in the places of their names.
fn with_secrets(text: &str, values: &Values) -> Result<String, Fault> {
    let mut why = "is named, and was not given to this node";
    let mut failed = String::new();
    let filled = SecretMark::replace(text, |name| {
        let value = values.iter().find(|(known, _)| known == name).map(|(_, value)| value.expose());
        // A line break would be a line of its own in the file.
        let is_plain = value.is_some_and(|value| !value.chars().any(char::is_control));
        if !is_plain {
            failed = name.to_owned();
        }
        if value.is_some() && !is_plain {
            why = "has line breaks or control characters, which a setting cannot have";
        }
        value.filter(|_| is_plain).cloned()
    });
    filled.ok_or_else(|| {
        let message = format!("The secret in the variable {failed} {why}.");
        Fault::new(ErrorKind::Conflict, "server.edit", message).fix(
            "Give the secret another value, or start the server from the dashboard, which brings its secrets anew.",
        )
    })
}

type Apply = fn(Parser, &[u8], &[SetKey]) -> Result<Vec<u8>, Fault>;

fn edit_with(
    (spec, values): (&ServerSpec, &Values),
    root: &Path,
    owner: Option<Identity>,
    apply: Apply,
) -> Result<(), Fault> {
    for edit in &spec.edits {
        let edit = &FileEdit { set: known_here(spec, values, &edit.set)?, ..edit.clone() };
        edit_one(edit, root, owner, apply).map_err(|reason| match reason {
            Why::Disk(error) => {
                let message = format!("{} cannot be edited: {}.", edit.path.as_str(), explain(&error));
                Fault::new(ErrorKind::Conflict, "server.edit", message)
                    .fix("Correct or delete the file, or change the server's settings.")
            }
            Why::Content(fault) => Fault { message: format!("{}: {}", edit.path.as_str(), fault.message), ..fault },
        })?;
    }
    Ok(())
}

enum Why {
    Disk(io::Error),
    Content(Fault),
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<Errno> for Why {
    fn from(error: Errno) -> Self {
        Self::Disk(error.into())
    }
}

fn edit_one(edit: &FileEdit, root: &Path, owner: Option<Identity>, apply: Apply) -> Result<(), Why> {
    let root = tree::open_dir(root)?;
    let (folder, name) = match edit.path.as_str().rsplit_once('/') {
        Some((folder, name)) => (open_folder(root, folder, owner)?, name),
        None => (root, edit.path.as_str()),
    };
    let (bytes, mode) = match read(folder.as_fd(), name, owner)? {
        Some((bytes, mode)) => (bytes, mode),
        None => (Vec::new(), FILE_MODE),
    };
    let edited = apply(edit.parser, &bytes, &edit.set).map_err(Why::Content)?;
    if edited != bytes {
        replace(folder.as_fd(), name, &edited, (mode, owner))?;
    }
    Ok(())
}

/// Opens the folder `path` below `root`, making what is not there.
fn open_folder(root: OwnedFd, path: &str, owner: Option<Identity>) -> io::Result<OwnedFd> {
    let mut at = root;
    for part in path.split('/') {
        match rustix::fs::mkdirat(&at, part, Mode::from_raw_mode(FOLDER_MODE)) {
            Ok(()) => give(&at, part, owner)?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        at = rustix::fs::openat2(&at, part, flags, Mode::empty(), RESOLVE)?;
    }
    Ok(at)
}

const RESOLVE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

fn give(folder: &OwnedFd, name: &str, owner: Option<Identity>) -> io::Result<()> {
    let Some(owner) = owner else { return Ok(()) };
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    Ok(rustix::fs::chownat(folder, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
}

/// A file's bytes and mode; `None` where there is none. What is not the server's own file is none of its settings.
fn read(folder: BorrowedFd<'_>, name: &str, owner: Option<Identity>) -> io::Result<Option<(Vec<u8>, u32)>> {
    // Not blocking: it may be a fifo that nobody writes to.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::openat2(folder, name, flags, Mode::empty(), RESOLVE) {
        Err(Errno::NOENT) => return Ok(None),
        other => other?,
    };
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is no ordinary file"));
    }
    if owner.is_some_and(|owner| owner.uid != stat.st_uid) {
        return Err(io::Error::other("it belongs to another user"));
    }
    let mut bytes = Vec::new();
    File::from(file).take(EDIT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > EDIT_BYTES {
        return Err(io::Error::other(format!("it has more than {}", sf_types::ByteSize(EDIT_BYTES))));
    }
    Ok(Some((bytes, stat.st_mode & 0o777)))
}

fn replace(folder: BorrowedFd<'_>, name: &str, bytes: &[u8], (mode, owner): (u32, Option<Identity>)) -> io::Result<()> {
    // Of an edit that was cut off, or the server's own doing.
    match rustix::fs::unlinkat(folder, STAGED, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let staged = rustix::fs::openat(folder, STAGED, flags, Mode::from_raw_mode(0o600))?;
    if let Some(owner) = owner {
        rustix::fs::fchown(&staged, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))?;
    }
    rustix::fs::fchmod(&staged, Mode::from_raw_mode(mode))?;
    let mut file = File::from(staged);
    file.write_all(bytes)?;
    file.sync_all()?;
    rustix::fs::renameat(folder, STAGED, folder, name)?;
    Ok(rustix::fs::fsync(folder)?)
}

fn explain(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::LOOP) => "there is a symbolic link on its way".to_owned(),
        Some(Errno::NOTDIR) => "what should be its folder is none".to_owned(),
        Some(Errno::XDEV) => "it leads out of the server's files".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// Writes what is there and the first key behind it.
    fn appends(_: Parser, bytes: &[u8], set: &[SetKey]) -> Result<Vec<u8>, Fault> {
        Ok([bytes, set[0].key.as_bytes()].concat())
    }

    fn edit(root: &Path, path: &str, apply: Apply) -> Result<(), String> {
        let set =
            vec![SetKey { key: "+".to_owned(), only_if: None, value: sf_protocol::server::EditValue::Bool(true) }];
        let edits = vec![FileEdit { path: path.parse().unwrap(), parser: Parser::Properties, set }];
        let spec = ServerSpec { edits, ..super::super::record::tests::spec(1) };
        edit_with((&spec, &Vec::new()), root, None, apply).map_err(|fault| fault.message)
    }

    #[test]
    fn files_are_made_and_changed_with_their_mode_and_nothing_is_left_beside() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::write(root.join("server.properties"), "a=1").unwrap();
        std::fs::set_permissions(root.join("server.properties"), PermissionsExt::from_mode(0o640)).unwrap();
        edit(root, "server.properties", appends).unwrap();
        edit(root, "config/deep/new.cfg", appends).unwrap();
        assert_eq!(std::fs::read(root.join("server.properties")).unwrap(), b"a=1+");
        assert_eq!(std::fs::metadata(root.join("server.properties")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read(root.join("config/deep/new.cfg")).unwrap(), b"+");
        assert!(!root.join(STAGED).exists() && !root.join("config/deep").join(STAGED).exists());
    }

    #[test]
    fn no_link_no_fifo_and_nothing_too_large_is_touched() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = dir.path();
        let secret = outside.path().join("secret");
        std::fs::write(&secret, "keep").unwrap();
        symlink(&secret, root.join("file")).unwrap();
        symlink(outside.path(), root.join("folder")).unwrap();
        symlink(&secret, root.join(STAGED)).unwrap();
        nix::unistd::mkfifo(&root.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        std::fs::write(root.join("plain"), "").unwrap();
        std::fs::File::create(root.join("large")).unwrap().set_len(EDIT_BYTES + 1).unwrap();
        for (path, why) in [
            ("file", "symbolic link"),
            ("folder/secret", "symbolic link"),
            ("fifo", "no ordinary file"),
            ("plain/below", "is none"),
            ("large", "more than"),
        ] {
            let said = edit(root, path, appends).unwrap_err();
            assert!(said.contains(why) && said.starts_with(path), "{said}");
        }
        // A link where the new file is prepared is no way out either.
        edit(root, "plain", appends).unwrap();
        assert_eq!(std::fs::read(&secret).unwrap(), b"keep");
    }

    #[test]
    fn what_a_template_sets_is_there_and_the_rest_is_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let key = |key: &str, value: EditValue| SetKey { key: key.to_owned(), only_if: None, value };
        let text = |text: &str| EditValue::Text(text.to_owned());
        std::fs::write(dir.path().join("server.properties"), "# mine\nmotd=old\nserver-port=1\n").unwrap();
        std::fs::write(dir.path().join("bad.json"), "{").unwrap();
        let edit = |path: &str, parser, set| FileEdit { path: path.parse().unwrap(), parser, set };
        let with = |edits| ServerSpec { edits, ..super::super::record::tests::spec(1) };
        let spec = with(vec![
            edit("server.properties", Parser::Properties, vec![key("server-port", text("25565"))]),
            edit("config.yml", Parser::Yaml, vec![key("host", text("{{config.docker.interface}}:80"))]),
        ]);
        edit_files(&spec, &Vec::new(), dir.path(), None).unwrap();
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(read("server.properties"), "# mine\nmotd=old\nserver-port=25565\n");
        assert!(read("config.yml").contains("127.0.0.1:80"), "{}", read("config.yml"));
        let spec = with(vec![edit("bad.json", Parser::Json, vec![key("a", EditValue::Bool(true))])]);
        let fault = edit_files(&spec, &Vec::new(), dir.path(), None).unwrap_err();
        assert!(fault.code == "server.edit" && fault.message.starts_with("bad.json"), "{fault:?}");
        assert_eq!(read("bad.json"), "{");
    }

    #[test]
    fn a_secret_is_put_in_by_its_node_and_no_value_of_one_is_read_again_or_told() {
        let dir = tempfile::tempdir().unwrap();
        let value = |text: &str| vec![("RCON".to_owned(), sf_types::Secret::new(text.to_owned()))];
        let text = format!("pw={};{{{{config.docker.interface}}}}", SecretMark::of("RCON"));
        let set = vec![SetKey { key: "rcon".to_owned(), only_if: None, value: EditValue::Text(text) }];
        let edits = vec![FileEdit { path: "a.properties".parse().unwrap(), parser: Parser::Properties, set }];
        let spec = ServerSpec { edits, ..super::super::record::tests::spec(1) };
        let given = value("s3cret{{config.docker.interface}}\u{24}1");
        edit_files(&spec, &given, dir.path(), None).unwrap();
        let written = std::fs::read_to_string(dir.path().join("a.properties")).unwrap();
        assert_eq!(written, "rcon=pw=s3cret{{config.docker.interface}}$1;127.0.0.1\n");
        for bad in [Vec::new(), value("canary\nop=everyone"), value("canary\u{1}RCON\u{1}")] {
            let fault = edit_files(&spec, &bad, dir.path(), None).unwrap_err();
            assert!(fault.code == "server.edit" && fault.message.contains("RCON"), "{fault:?}");
            assert!(!fault.to_string().contains("canary"));
            assert_eq!(std::fs::read_to_string(dir.path().join("a.properties")).unwrap(), written);
        }
    }
}
