//! Domains: nginx serves what this node keeps as sites, and certificates are asked for and renewed here, with or without a
//! control plane.
//!
//! A change is one way: write a fresh folder of files, let nginx judge it alone, move the link `live` to it, let nginx judge
//! the whole, have it taken, and see that it is served. Whatever fails on the way, the link moves back. Start reading at
//! [`Proxy::put`], then `config`.

mod acme;
mod certificate;
mod config;
mod generation;
mod nginx;
mod record;
mod text;
mod workers;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sf_protocol::order::ServiceVerb;
use sf_protocol::site::{CertificateFrom, CertificateState, SiteReport, SiteSpec};
use sf_runtime::{Clock, Rng};
use sf_types::{AppId, ErrorKind, Fault, Port, ProxyId, Timestamp};
use tokio::sync::Notify;

pub use acme::{LIMIT as ACME_LIMIT, main as acme_main};
use certificate::{Failures, Kept};
use config::{CertificateFiles, Ground, Site};
use generation::Generations;
use nginx::disk;
pub use nginx::{Choice, ERROR_LOG_BYTES, Nginx, Whose};
use record::Records;
pub use record::SiteRecord;

use crate::release::tree;

/// What the proxy needs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its folder.
    pub dir: PathBuf,
    /// The program that has the mode `acme`: usually this one.
    pub program: PathBuf,
    /// The time.
    pub clock: Clock,
    /// Tokens.
    pub rng: Rng,
}

/// The domains of this node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Proxy(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    records: Mutex<Records>,
    generations: Generations,
    /// What nginx serves: one change after another.
    turn: tokio::sync::Mutex<Option<Ground>>,
    /// One request to the authority at a time: they share an account and its limits.
    asking: tokio::sync::Mutex<()>,
    /// A certificate may be due sooner than it was.
    due: Notify,
}

/// Where apps are reached on this node.
pub type Ports = Vec<(AppId, Port)>;

impl Proxy {
    /// Reads what is kept. Answers also which files could not be understood, and why.
    ///
    /// # Errors
    /// `proxy.disk`.
    pub fn open(options: Options) -> Result<(Self, Vec<String>), Fault> {
        let (records, damaged) = Records::open(&options.dir.join("sites"))?;
        let generations = Generations::open(&options.dir)?;
        let inner = Inner {
            options,
            records: Mutex::new(records),
            generations,
            turn: tokio::sync::Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            due: Notify::new(),
        };
        Ok((Self(Arc::new(inner)), damaged))
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All sites.
    pub fn list(&self) -> Vec<SiteRecord> {
        self.records().all().cloned().collect()
    }

    fn others(&self, site: ProxyId) -> Vec<SiteRecord> {
        self.records().all().filter(|other| other.spec.proxy != site).cloned().collect()
    }

    /// One site, as it is told.
    pub fn report(&self, site: ProxyId) -> Option<SiteReport> {
        let record = self.records().get(site).cloned()?;
        Some(self.told(&record))
    }

    fn told(&self, record: &SiteRecord) -> SiteReport {
        let certificate = if record.spec.settings.tls.certificate == CertificateFrom::None {
            CertificateState::None
        } else {
            let (next, why) = (record.next(self.0.options.clock.now()), record.failures.why.clone());
            match &record.certificate {
                Some(kept) if kept.holds_for(record.spec.names(), self.0.options.clock.now()) => {
                    CertificateState::Valid { certificate: kept.says.clone(), next, why }
                }
                _ => CertificateState::Missing { why, next },
            }
        };
        SiteReport { proxy: record.spec.proxy, generation: record.spec.generation, certificate }
    }

    /// Serves a site as `spec` says, with the certificate it has. It is served when this returns.
    ///
    /// # Errors
    /// `proxy.*`; what was served before is served then.
    pub async fn put(&self, choice: &Choice, spec: SiteSpec, ports: Ports) -> Result<SiteReport, Fault> {
        let mut turn = self.0.turn.lock().await;
        let known = self.records().get(spec.proxy).cloned();
        if let Some(known) = &known
            && known.spec.generation > spec.generation
        {
            let message = format!("Generation {} is older than {}.", spec.generation, known.spec.generation);
            return Err(Fault::new(ErrorKind::Conflict, "proxy.older_generation", message));
        }
        self.free(&spec)?;
        let (certificate, failures) = match known {
            // Other names are another question.
            Some(known) if known.spec.names().eq(spec.names()) => (known.certificate, known.failures),
            Some(known) => (known.certificate, Failures::default()),
            None => (None, Failures::default()),
        };
        let record = SiteRecord { spec, certificate, failures };
        let mut records = self.others(record.spec.proxy);
        records.push(record.clone());
        self.serve(choice, &records, ports, &mut turn).await?;
        self.records().put(record.clone())?;
        Ok(self.told(&record))
    }

    /// A name belongs to one site: nginx would quietly serve the first of two.
    fn free(&self, spec: &SiteSpec) -> Result<(), Fault> {
        let records = self.records();
        let others = || records.all().filter(|other| other.spec.proxy != spec.proxy);
        let mut names: Vec<_> = spec.names().collect();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let taken = spec.names().find(|name| others().any(|other| other.spec.names().any(|had| had == *name)));
        let Some(name) = twice.or(taken) else { return Ok(()) };
        let message = format!("{name} is served by this node already.");
        Err(Fault::new(ErrorKind::Conflict, "proxy.domain_taken", message).fix("Remove it there first."))
    }

    /// Serves a site no more, and deletes its certificate. One that is not there is no fault.
    ///
    /// # Errors
    /// `proxy.*`; it is served as before then.
    pub async fn remove(&self, choice: &Choice, site: ProxyId, ports: Ports) -> Result<(), Fault> {
        let mut turn = self.0.turn.lock().await;
        if self.records().get(site).is_none() {
            return Ok(());
        }
        let records = self.others(site);
        self.serve(choice, &records, ports, &mut turn).await?;
        self.records().forget(site)?;
        let certificates = self.certificates(site);
        tree::remove(&certificates).map_err(|error| disk(&certificates, &error))
    }

    /// Serves all sites where apps are now; does nothing where nothing has changed since.
    ///
    /// # Errors
    /// `proxy.*`; what was served before is served then.
    pub async fn follow(&self, choice: &Choice, ports: Ports) -> Result<(), Fault> {
        let mut turn = self.0.turn.lock().await;
        let records = self.list();
        let wanted = ports_of(&records, &ports);
        let is_so = turn.as_ref().is_some_and(|ground| ground.ports == wanted);
        if records.is_empty() || is_so {
            return Ok(());
        }
        self.serve(choice, &records, ports, &mut turn).await
    }

    /// The nginx that serves, or would serve, this node's domains.
    ///
    /// # Errors
    /// `proxy.off`, `proxy.no_nginx`.
    pub fn nginx(&self, choice: &Choice) -> Result<Nginx, Fault> {
        Nginx::choose(choice, &self.0.options.dir.join("own"))
    }

    /// Starts, stops, restarts or reloads it, between two changes of what it serves.
    ///
    /// # Errors
    /// `proxy.*`; a configuration that it would not take stops nothing.
    pub async fn steer(&self, nginx: &Nginx, verb: ServiceVerb) -> Result<(), Fault> {
        let _turn = self.0.turn.lock().await;
        if verb != ServiceVerb::Stop {
            nginx.accepts_whole().await?;
        }
        if matches!(verb, ServiceVerb::Stop | ServiceVerb::Restart) {
            nginx.quit().await?;
        }
        if verb != ServiceVerb::Stop {
            nginx.take().await?;
        }
        Ok(())
    }

    /// Keeps the error log of an nginx of our own within [`ERROR_LOG_BYTES`], and as much again of the one before.
    ///
    /// # Errors
    /// `proxy.*`
    pub async fn turn_error_log(&self, choice: &Choice) -> Result<(), Fault> {
        if self.list().is_empty() {
            return Ok(());
        }
        let _turn = self.0.turn.lock().await;
        self.nginx(choice)?.turn_error_log().await
    }

    async fn serve(
        &self,
        choice: &Choice,
        records: &[SiteRecord],
        ports: Ports,
        served: &mut Option<Ground>,
    ) -> Result<(), Fault> {
        let nginx = self.nginx(choice)?;
        let ground = Ground {
            http: choice.http,
            https: choice.https,
            ipv6: std::net::TcpListener::bind("[::1]:0").is_ok(),
            alone: nginx.is_own(),
            challenges: self.challenges()?,
            token: u128::from_be_bytes(self.0.options.rng.bytes()),
            ports: ports_of(records, &ports),
        };
        let now = self.0.options.clock.now();
        let sites: Vec<_> = records.iter().map(|record| self.site(record, now)).collect();
        // Not known until it is served: the next change looks again then.
        *served = None;
        self.0.generations.change(&nginx, &ground, &sites).await?;
        *served = Some(ground);
        Ok(())
    }

    fn site(&self, record: &SiteRecord, now: Timestamp) -> Site {
        let wanted = record.spec.settings.tls.certificate == CertificateFrom::Acme;
        let holds = |kept: &&Kept| wanted && kept.holds_for(record.spec.names(), now);
        let certificate = record.certificate.as_ref().filter(holds).map(|kept| {
            let folder = self.certificates(record.spec.proxy).join(&kept.folder);
            CertificateFiles { chain: folder.join("chain.pem"), key: folder.join("key.pem") }
        });
        Site { spec: record.spec.clone(), certificate }
    }

    fn certificates(&self, site: ProxyId) -> PathBuf {
        self.0.options.dir.join("certificates").join(site.to_string())
    }

    /// nginx's workers read the answers: the folder is open to them.
    fn challenges(&self) -> Result<PathBuf, Fault> {
        let path = self.0.options.dir.join("challenges");
        folder(&path, 0o755)?;
        Ok(path)
    }

    /// Asks for the certificate of a site and serves it, if it is due; `asked`: somebody asks for it now, so that the pause
    /// after failures does not count.
    ///
    /// # Errors
    /// Why there is none; it is kept at the site, and served is what was served before.
    pub async fn certify(&self, choice: &Choice, site: ProxyId, ports: &Ports, asked: bool) -> Result<(), Fault> {
        let _alone = self.0.asking.lock().await;
        let Some(record) = self.records().get(site).cloned() else { return Ok(()) };
        let unhurried = SiteRecord { failures: Failures::default(), ..record.clone() };
        if !(if asked { &unhurried } else { &record }).is_due(self.0.options.clock.now()) {
            return Ok(());
        }
        let made = match self.obtain(choice, &record).await {
            Ok(kept) => self.install(choice, &record, kept, ports).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = &made {
            let at = self.0.options.clock.now();
            let mut records = self.records();
            if let Some(mut now) = records.get(site).cloned().filter(|now| now.spec.names().eq(record.spec.names())) {
                let count = now.failures.count.saturating_add(1);
                now.failures = Failures { count, at, why: Some(fault.clone()) };
                records.put(now)?;
            }
        }
        made
    }

    async fn obtain(&self, choice: &Choice, record: &SiteRecord) -> Result<Kept, Fault> {
        let names: Vec<_> = record.spec.names().cloned().collect();
        let fresh = self.certificates(record.spec.proxy).join("fresh");
        tree::remove(&fresh).map_err(|error| disk(&fresh, &error))?;
        folder(&fresh, 0o700)?;
        let accounts = self.0.options.dir.join("accounts");
        folder(&accounts, 0o700)?;
        let job = acme::Job {
            directory: choice.acme.clone(),
            ca: choice.acme_ca.clone(),
            contact: choice.acme_contact.clone(),
            account: accounts.join(format!("{}.json", certificate::name_of(&choice.acme))),
            names: names.clone(),
            challenges: self.challenges()?,
            out: fresh.clone(),
        };
        acme::ask(&self.0.options.program, &job).await?;
        let chain = fresh.join("chain.pem");
        let text = std::fs::read(&chain).map_err(|error| disk(&chain, &error))?;
        let says = certificate::read(&text, &names, self.0.options.clock.now())?;
        let kept = Kept { folder: says.fingerprint.clone(), says };
        let place = self.certificates(record.spec.proxy).join(&kept.folder);
        tree::remove(&place).map_err(|error| disk(&place, &error))?;
        std::fs::rename(&fresh, &place).map_err(|error| disk(&place, &error))?;
        Ok(kept)
    }

    /// Serves the new certificate; the older ones go once it is served.
    async fn install(&self, choice: &Choice, asked: &SiteRecord, kept: Kept, ports: &Ports) -> Result<(), Fault> {
        let mut turn = self.0.turn.lock().await;
        let site = asked.spec.proxy;
        let Some(mut record) = self.records().get(site).cloned() else {
            return Err(Fault::new(ErrorKind::NotFound, "proxy.unknown", "The domain was removed meanwhile."));
        };
        let folder = kept.folder.clone();
        record.certificate = Some(kept);
        record.failures = Failures::default();
        let mut records = self.others(site);
        records.push(record.clone());
        self.serve(choice, &records, ports.clone(), &mut turn).await?;
        self.records().put(record)?;
        let older = std::fs::read_dir(self.certificates(site)).into_iter().flatten().flatten();
        for entry in older.filter(|entry| entry.file_name().to_str() != Some(&folder)) {
            if let Err(error) = tree::remove(&entry.path()) {
                tracing::warn!(%error, "an old certificate stays");
            }
        }
        Ok(())
    }

    /// The site whose certificate is wanted next, and when.
    pub fn next_due(&self) -> Option<(ProxyId, Timestamp)> {
        let now = self.0.options.clock.now();
        let records = self.records();
        let wanting = records.all().filter(|record| record.wants_certificate());
        wanting.map(|record| (record.spec.proxy, record.next(now))).min_by_key(|(_, at)| *at)
    }

    /// Another certificate may be due sooner than before.
    pub fn look_again(&self) {
        self.0.due.notify_one();
    }

    /// Returns when another certificate may be due sooner.
    pub async fn due_changed(&self) {
        self.0.due.notified().await;
    }
}

/// The ports of the apps that sites lead to, in one order.
fn ports_of(records: &[SiteRecord], ports: &Ports) -> Ports {
    let leads_to = |app: AppId| records.iter().any(|record| record.spec.apps().any(|one| one == app));
    let mut found: Ports = ports.iter().copied().filter(|(app, _)| leads_to(*app)).collect();
    found.sort_unstable();
    found.dedup_by_key(|(app, _)| *app);
    found
}

fn folder(path: &Path, mode: u32) -> Result<(), Fault> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o711).create(path);
    let made = made.and_then(|()| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    });
    made.map_err(|error| disk(path, &error))
}
