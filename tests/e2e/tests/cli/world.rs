//! A control plane's API by HTTPS on an address that others can reach, and people at their own command lines.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use sf_api::{ApiOptions, Serving};
use sf_runtime::{OnError, Tasks};
use sf_store::{Scope, permissions, users};
use sf_testkit::Plane;
use sf_testkit::people::PASSWORD;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;

/// The API of a plane, listening.
pub struct Served {
    address: SocketAddr,
    authority: PathBuf,
    tasks: Tasks,
    folder: TempDir,
}

/// One person's home.
pub struct Person {
    home: TempDir,
    url: String,
    authority: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// An authority's certificate as PEM, and a server's for `localhost` that it signed.
fn certificates() -> Result<(String, Arc<ServerConfig>)> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    let authority = params.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate()?;
    let server = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_no_client_auth().with_single_cert(vec![server.der().clone()], key)?;
    Ok((authority, Arc::new(config)))
}

impl Served {
    pub async fn start(plane: &Plane) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (pem, tls) = certificates()?;
        let authority = folder.path().join("authority.pem");
        std::fs::write(&authority, pem)?;
        let tasks = Tasks::new();
        let mut options = ApiOptions::new(tasks.clone());
        options.https = true;
        let router = sf_api::router(plane.control.clone(), options);
        let listener = TcpListener::bind("0.0.0.0:0").await?;
        let address = listener.local_addr()?;
        tasks.spawn("api", OnError::Stop, sf_api::serve(listener, router, Serving::with(Some(tls)), tasks.shutdown()));
        Ok(Self { address, authority, tasks, folder })
    }

    /// Somebody with an empty home.
    pub async fn person(&self) -> Result<Person> {
        let url = format!("https://localhost:{}", self.address.port());
        Ok(Person { home: tempfile::tempdir()?, url, authority: self.authority.clone() })
    }

    /// Nobody listens any more; what people trust stays as long as what this answers.
    pub async fn stop(self) -> TempDir {
        self.tasks.stop(Duration::from_secs(5)).await;
        self.folder
    }
}

/// A second person with all rights.
pub async fn person(plane: &Plane, email: &'static str) -> Result<()> {
    person_with(plane, email, sf_actions::Permission::ALL).await
}

/// A second person with these rights in the whole team.
pub async fn person_with(plane: &Plane, email: &'static str, rights: &'static [sf_actions::Permission]) -> Result<()> {
    let hash = sf_identity::Passwords::new(sf_identity::password::Cost::for_tests(), 1, &plane.rng)?;
    let hash = hash.hash(&sf_types::Secret::new(PASSWORD.to_owned()), &[]).await?;
    let tenant = plane.admin_again().await?.tenant;
    let make = plane.control.store().write(Scope::System, move |tx| {
        Box::pin(async move {
            let user = users::create(tx, tenant, email, "Bo").await?;
            users::set_password(tx, user.id, &hash).await?;
            permissions::grant(tx, user.id, rights).await
        })
    });
    Ok(make.await?)
}

impl Person {
    /// Runs the program with something on its standard input.
    pub async fn says(&self, args: &[&str], input: &str) -> Result<Said> {
        self.spoken(args, input, Some(&self.authority)).await
    }

    /// The same, trusting public authorities alone.
    pub async fn without_authority(&self, args: &[&str], input: &str) -> Result<Said> {
        self.spoken(args, input, None).await
    }

    pub async fn run(&self, args: &[&str]) -> Result<Said> {
        self.says(args, "").await
    }

    /// Runs what has to succeed; answers what it printed.
    pub async fn ok(&self, args: &[&str]) -> Result<String> {
        let said = self.run(args).await?;
        ensure!(said.code == 0, "{args:?}: {said:?}");
        Ok(said.out)
    }

    pub async fn json(&self, args: &[&str]) -> Result<Value> {
        let out = self.ok(&[&["--json"], args].concat()).await?;
        serde_json::from_str(&out).with_context(|| format!("{args:?} printed no JSON: {out}"))
    }

    /// Runs what has to fail, for people and for programs: both hear the same, with what to do. Answers what people read.
    pub async fn fails(&self, args: &[&str], code: i32, error: &str) -> Result<String> {
        let said = self.run(args).await?;
        ensure!(said.code == code && said.out.is_empty(), "{args:?}: {said:?}, expected {code}");
        ensure!(said.err.contains("error:") && said.err.contains("do:"), "{args:?} names no way out: {said:?}");
        let told = self.run(&[&["--json"], args].concat()).await?;
        let json: Value = serde_json::from_str(&told.out).with_context(|| format!("{args:?}: {told:?}"))?;
        ensure!(told.code == code && json["error"]["code"] == error, "{args:?}: {told:?}, expected {error}");
        let fix = json["error"]["fix"].as_str().with_context(|| format!("{args:?}: {told:?}"))?;
        ensure!(said.err.contains(fix), "{said:?}, {told:?}");
        Ok(said.err)
    }

    pub async fn signs_in(&self, email: &str) -> Result<()> {
        let said = self.says(&["login", email, "--password-stdin"], PASSWORD).await?;
        ensure!(said.code == 0, "{said:?}");
        Ok(())
    }

    async fn spoken(&self, args: &[&str], input: &str, authority: Option<&Path>) -> Result<Said> {
        let mut command = Command::new(program()?);
        command.args(args).current_dir(self.home.path()).env_clear();
        command.env("HOME", self.home.path()).env("SERVERFLOW_URL", &self.url);
        if let Some(authority) = authority {
            command.env("SERVERFLOW_CA", authority);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().context("a pipe")?;
        // A program that does not read may be gone already.
        drop(stdin.write_all(input.as_bytes()).await);
        drop(stdin);
        let done = child.wait_with_output().await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Said { code: done.status.code().context("an exit code")?, out: text(done.stdout), err: text(done.stderr) })
    }
}

/// Beside the folder this test is in.
pub fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let built = own.ancestors().nth(2).context("a target folder")?.join("serverflow");
    ensure!(built.is_file(), "{} is missing: make test-bins", built.display());
    Ok(built)
}
