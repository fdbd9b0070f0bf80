//! What this node keeps of each site: `sites/<id>.json`. Kept in memory, written through.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sf_protocol::site::{CertificateFrom, SiteSpec};
use sf_types::{Fault, ProxyId, Timestamp};

use super::certificate::{Failures, Kept, next};
use super::nginx::disk;
use crate::release::tree;

/// One site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteRecord {
    /// As it shall be, and is served.
    pub spec: SiteSpec,
    /// Its certificate, which may be for fewer names than it has now.
    #[serde(default)]
    pub certificate: Option<Kept>,
    /// Tries for another one that failed since.
    #[serde(default)]
    pub failures: Failures,
}

impl SiteRecord {
    /// Whether it shall have a certificate.
    pub fn wants_certificate(&self) -> bool {
        self.spec.settings.tls.certificate == CertificateFrom::Acme
    }

    /// When its certificate is asked for next.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let holds = self.certificate.as_ref().filter(|kept| kept.holds_for(self.spec.names(), now));
        next(self.spec.proxy, holds.map(|kept| &kept.says), &self.failures)
    }

    /// Whether it is to be asked for now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.wants_certificate() && self.next(now) <= now
    }
}

/// All sites.
#[derive(Debug)]
pub struct Records {
    dir: PathBuf,
    known: BTreeMap<ProxyId, SiteRecord>,
}

impl Records {
    /// Reads every record in `dir`. Answers also which could not be understood, and why.
    ///
    /// # Errors
    /// `proxy.disk`.
    pub fn open(dir: &Path) -> Result<(Self, Vec<String>), Fault> {
        super::folder(dir, 0o700)?;
        let (mut known, mut damaged) = (BTreeMap::new(), Vec::new());
        for entry in fs::read_dir(dir).map_err(|error| disk(dir, &error))?.flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            let read = fs::read(&path).and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other));
            match read {
                Ok::<SiteRecord, _>(record) => drop(known.insert(record.spec.proxy, record)),
                Err(error) => damaged.push(format!("{}: {error}", path.display())),
            }
        }
        Ok((Self { dir: dir.to_owned(), known }, damaged))
    }

    /// One of them.
    pub fn get(&self, site: ProxyId) -> Option<&SiteRecord> {
        self.known.get(&site)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &SiteRecord> {
        self.known.values()
    }

    fn file(&self, site: ProxyId) -> PathBuf {
        self.dir.join(format!("{site}.json"))
    }

    /// Writes one; durable when it returns.
    ///
    /// # Errors
    /// `proxy.disk`.
    pub fn put(&mut self, record: SiteRecord) -> Result<(), Fault> {
        let path = self.file(record.spec.proxy);
        let bytes = serde_json::to_vec_pretty(&record).unwrap_or_default();
        tree::write_atomically(&path, &bytes, 0o600).map_err(|error| disk(&path, &error))?;
        self.known.insert(record.spec.proxy, record);
        Ok(())
    }

    /// Forgets one.
    ///
    /// # Errors
    /// `proxy.disk`.
    pub fn forget(&mut self, site: ProxyId) -> Result<(), Fault> {
        let path = self.file(site);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(&path, &error)),
            _ => {}
        }
        self.known.remove(&site);
        Ok(())
    }
}
