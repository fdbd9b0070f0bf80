//! Encryption of a backup: an age file (<https://age-encryption.org/v1>), for a passphrase or for public keys, so that
//! it can be opened without this program, too.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};
use clap::Args;

use crate::failure::{Exit, Failure};

/// Shortest passphrase a backup is made with, in characters.
const MIN_PASSPHRASE_CHARS: usize = 12;
/// Cost of trying one passphrase: scrypt with N = 2^17, r = 8, p = 1, which takes 128 MiB.
/// Source: OWASP Password Storage Cheat Sheet.
const WORK_FACTOR: u8 = 17;
/// The highest cost that is paid for a file somebody else made: 1 GiB.
const MAX_WORK_FACTOR: u8 = 20;
/// Largest file with a passphrase or with keys, in bytes.
const MAX_SECRET_FILE_BYTES: u64 = 64 * 1024;

/// Whom a backup is encrypted for.
#[derive(Debug, Args)]
pub struct For {
    /// A file whose first line is the passphrase; asked for on a terminal otherwise.
    #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
    passphrase_file: Option<PathBuf>,
    /// A public key (age1...) whose secret half opens it; may be given several times.
    #[arg(long, value_name = "AGE1")]
    recipient: Vec<String>,
}

/// What opens a backup.
#[derive(Debug, Args)]
pub struct With {
    /// A file whose first line is the passphrase; asked for on a terminal otherwise.
    #[arg(long, value_name = "FILE", conflicts_with = "identity_file")]
    passphrase_file: Option<PathBuf>,
    /// A file with the secret key (AGE-SECRET-KEY-1...) of one of its recipients.
    #[arg(long, value_name = "FILE")]
    identity_file: Option<PathBuf>,
}

/// A reader that counts, so that damage can be placed.
#[derive(Debug)]
pub struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// An opened backup: what is read has been authenticated, chunk by chunk.
pub struct Opened {
    /// The plain text.
    pub plain: StreamReader<BufReader<Counted>>,
    /// Where the encrypted file is read at.
    pub place: Place,
}

/// How far an encrypted file has been read.
#[derive(Clone, Debug)]
pub struct Place {
    path: PathBuf,
    read: Arc<AtomicU64>,
    /// Bytes of the whole file.
    pub bytes: u64,
}

impl Place {
    /// The failure of reading on.
    pub fn damaged(&self, error: &io::Error) -> Failure {
        let (read, path) = (self.read.load(Ordering::Relaxed), self.path.display());
        let message = if read >= self.bytes {
            format!("{path} was cut off, or its end was changed: its last part of {} bytes is not whole.", self.bytes)
        } else {
            format!("{path} is damaged before byte {read} of {}: {error}.", self.bytes)
        };
        damaged(message)
    }
}

/// The failure of a backup that is not what was written.
pub fn damaged(message: String) -> Failure {
    Failure::new(Exit::Failed, "backup.damaged", message).fix("Use another copy of it, or an older backup.")
}

impl For {
    /// Begins to encrypt into `file`.
    ///
    /// # Errors
    /// No passphrase or recipient, or one that cannot be used.
    pub fn seal<W: Write>(&self, file: W) -> Result<StreamWriter<W>, Failure> {
        let encryptor = if self.recipient.is_empty() {
            let passphrase = passphrase(self.passphrase_file.as_deref(), true)?;
            let mut recipient = scrypt::Recipient::new(passphrase);
            recipient.set_work_factor(WORK_FACTOR);
            Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
        } else {
            let mut recipients = Vec::new();
            for text in &self.recipient {
                let recipient: x25519::Recipient = text.parse().map_err(|error| {
                    Failure::usage(format!("`{text}` is no public key of age: {error}."))
                        .fix("Make a pair with `age-keygen`, and give the line that begins with age1.")
                })?;
                recipients.push(recipient);
            }
            Encryptor::with_recipients(recipients.iter().map(|one| one as &dyn age::Recipient))
        };
        let sealed = encryptor
            .map_err(|error| error.to_string())
            .and_then(|encryptor| encryptor.wrap_output(file).map_err(|error| error.to_string()));
        sealed.map_err(|error| Failure::new(Exit::Failed, "backup.seal", format!("It cannot be encrypted: {error}.")))
    }
}

impl With {
    /// What to open with, asked for once.
    ///
    /// # Errors
    /// A file that cannot be used, or nobody to ask.
    pub fn key(&self, path: &Path) -> Result<Key, Failure> {
        if let Some(file) = &self.identity_file {
            let text = secret_file(file)?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            let keys: Result<Vec<x25519::Identity>, _> = lines.map(str::parse).collect();
            let keys = keys.map_err(|error| Failure::usage(format!("{} holds no key: {error}.", file.display())))?;
            return Ok(Key::Identities(keys));
        }
        if decryptor(path)?.0.is_scrypt() {
            return Ok(Key::Passphrase(passphrase(self.passphrase_file.as_deref(), false)?));
        }
        Err(Failure::usage(format!("{} is encrypted for public keys.", path.display()))
            .fix("Give a file with the secret key of one of them: --identity-file FILE"))
    }
}

/// What opens a backup.
pub enum Key {
    /// A passphrase.
    Passphrase(SecretString),
    /// Secret keys.
    Identities(Vec<x25519::Identity>),
}

impl Key {
    /// Opens `path`.
    ///
    /// # Errors
    /// Not a backup, another key, damaged.
    pub fn open(&self, path: &Path) -> Result<Opened, Failure> {
        let (decryptor, place) = decryptor(path)?;
        let plain = match self {
            Self::Passphrase(passphrase) => {
                let mut identity = scrypt::Identity::new(passphrase.clone());
                identity.set_max_work_factor(MAX_WORK_FACTOR);
                decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
            }
            Self::Identities(keys) => decryptor.decrypt(keys.iter().map(|key| key as &dyn age::Identity)),
        };
        let plain = plain.map_err(|error| refused(path, &error))?;
        Ok(Opened { plain, place })
    }
}

fn decryptor(path: &Path) -> Result<(Decryptor<BufReader<Counted>>, Place), Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let bytes = file.metadata().map_err(|error| Failure::file(path, &error))?.len();
    let read = Arc::new(AtomicU64::new(0));
    let place = Place { path: path.to_owned(), read: read.clone(), bytes };
    let decryptor = Decryptor::new_buffered(BufReader::new(Counted { file, read }));
    Ok((decryptor.map_err(|error| refused(path, &error))?, place))
}

fn refused(path: &Path, error: &DecryptError) -> Failure {
    let path = path.display();
    match error {
        DecryptError::NoMatchingKeys | DecryptError::KeyDecryptionFailed | DecryptError::DecryptionFailed => {
            let message = format!("{path} does not open with this passphrase or key, or its beginning is damaged.");
            Failure::new(Exit::Refused, "backup.key", message).fix("Give the passphrase or key it was made with.")
        }
        DecryptError::ExcessiveWork { .. } => {
            damaged(format!("{path} asks for more work than this program puts into trying a passphrase."))
        }
        DecryptError::UnknownFormat | DecryptError::InvalidHeader => {
            damaged(format!("{path} is no backup, or its beginning is damaged or cut off."))
        }
        error => damaged(format!("The beginning of {path} is damaged: {error}.")),
    }
}

/// From a file, or asked for; twice where a typing error would lock everybody out.
fn passphrase(file: Option<&Path>, new: bool) -> Result<SecretString, Failure> {
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt).map_err(|error| {
            Failure::usage(format!("No passphrase was given, and nobody can be asked: {error}."))
                .fix("Give --passphrase-file FILE, or --recipient age1... for a backup that a machine makes.")
        })
    };
    let text = match file {
        Some(file) => secret_file(file)?.lines().next().unwrap_or_default().to_owned(),
        None => ask("Passphrase of the backup: ")?,
    };
    if new && text.chars().count() < MIN_PASSPHRASE_CHARS {
        let message = format!("A passphrase of a backup has at least {MIN_PASSPHRASE_CHARS} characters.");
        return Err(Failure::usage(message).fix("Whoever has the file can try as many as they like: use some words."));
    }
    if new && file.is_none() && ask("The same again: ")? != text {
        return Err(Failure::usage("The two are not the same."));
    }
    Ok(SecretString::from(text))
}

fn secret_file(path: &Path) -> Result<String, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let found = file.metadata().map_err(|error| Failure::file(path, &error))?;
    if found.is_file() && found.mode() & 0o077 != 0 {
        return Err(Failure::usage(format!("{} can be read by others.", path.display()))
            .fix(format!("Run: chmod 600 -- {}", path.display())));
    }
    let mut text = String::new();
    file.take(MAX_SECRET_FILE_BYTES).read_to_string(&mut text).map_err(|error| Failure::file(path, &error))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use sf_store::dump::{Cell, Step};

    use super::*;
    use crate::backup::archive::{Header, Writer};
    use crate::backup::verify::whole;

    struct Shelf {
        folder: tempfile::TempDir,
        key: Key,
        to: For,
    }

    impl Shelf {
        fn new() -> Self {
            let identity = x25519::Identity::generate();
            let to = For { passphrase_file: None, recipient: vec![identity.to_public().to_string()] };
            Self { folder: tempfile::tempdir().unwrap(), key: Key::Identities(vec![identity]), to }
        }

        fn keep(&self, bytes: &[u8]) -> PathBuf {
            let path = self.folder.path().join("backup");
            std::fs::write(&path, bytes).unwrap();
            path
        }

        /// The plain text, encrypted.
        fn seal(&self, plain: &[u8]) -> Vec<u8> {
            let mut sealed = self.to.seal(Vec::new()).unwrap();
            sealed.write_all(plain).unwrap();
            sealed.finish().unwrap()
        }

        fn code(&self, bytes: &[u8]) -> String {
            whole(&self.keep(bytes), &self.key).map_or_else(|failure| failure.code, |_| "whole".to_owned())
        }
    }

    /// A backup of two rows, as plain text.
    fn plain() -> Vec<u8> {
        let steps = [Step { version: 1, name: "first".into(), checksum: "00".into() }];
        let mut writer = Writer::begin(Vec::new(), &Header::new(1, "instance", "sqlite", &steps, "file")).unwrap();
        writer.file("master.key", 0o600, b"key").unwrap();
        writer.table("meta", &["key".into(), "value".into()]).unwrap();
        writer.row(&[Cell::Text("a".into()), Cell::Bytes(vec![0, 255])]).unwrap();
        writer.row(&[Cell::Null, Cell::Int(-1)]).unwrap();
        writer.end_table().unwrap();
        writer.finish(Vec::new()).unwrap().0
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let shelf = Shelf::new();
        let sealed = shelf.seal(&plain());
        assert_eq!(shelf.code(&sealed), "whole");
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 0x01;
            let code = shelf.code(&flipped);
            assert!(code == "backup.damaged" || code == "backup.key", "byte {at} of {}: {code}", sealed.len());
            let code = shelf.code(&sealed[..at]);
            assert!(code == "backup.damaged" || code == "backup.key", "{at} of {} bytes: {code}", sealed.len());
        }
        assert_eq!(shelf.code(&[&sealed[..], b"x"].concat()), "backup.damaged");
        let other = Shelf::new();
        assert_eq!(other.code(&sealed), "backup.key");
    }

    /// What an honest key wrote and what does not add up all the same: a bug, or a hand in the middle of it.
    #[test]
    fn what_does_not_add_up_is_refused() {
        let shelf = Shelf::new();
        let text = String::from_utf8(plain()).unwrap();
        for (from, to) in [
            ("[\"a\",[\"AP8=\"]]\n", ""),
            ("[null,-1]", "[null,-2]"),
            ("\"rows\":2", "\"rows\":3"),
            ("{\"end\"", "{\"dne\""),
            ("serverflowBackup\":1", "serverflowBackup\":2"),
            ("{\"manifest\"", "{\"table\":\"x\",\"columns\":[]}\n{\"manifest\""),
            ("\"data\":\"a2V5\"", "\"data\":\"a2V6\""),
        ] {
            assert!(text.contains(from), "{from} in {text}");
            let code = shelf.code(&shelf.seal(text.replacen(from, to, 1).as_bytes()));
            assert!(code == "backup.damaged" || code == "backup.newer", "{from}: {code}");
        }
        let code = shelf.code(&shelf.seal(format!("{text}[1]\n").as_bytes()));
        assert_eq!(code, "backup.damaged", "something follows");
    }

    #[test]
    fn short_and_exposed_passphrases_are_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        for (text, mode, good) in
            [("long enough to use\nmore", 0o600, true), ("short", 0o600, false), ("long enough to use", 0o644, false)]
        {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(passphrase(Some(&path), true).is_ok(), good, "{text} {mode:o}");
        }
        let wrong = For { passphrase_file: None, recipient: vec!["age1nonsense".into()] };
        assert!(wrong.seal(Vec::new()).is_err());
    }
}
