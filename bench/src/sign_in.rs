//! A flood of sign-ins: what it costs those who are signed in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sf_control::Control;
use sf_control::options::Options;
use sf_runtime::{Clock, OnError, Rng, Tasks};
use sf_types::Secret;

use crate::caller::{Caller, listen, sign_in};
use crate::line::{Line, Times};

/// Sign-ins under way at a time.
const FLOOD: usize = 200;
/// Reads measured; half of them need a credential.
const READS: usize = 400;
/// Time between two of them.
const EVERY: Duration = Duration::from_millis(5);
/// Who was told that all places are taken tries again after this.
const AGAIN: Duration = Duration::from_millis(100);
/// What is promised of a read's slowest hundredth, in milliseconds.
const PROMISE_MS: f64 = 100.0;
const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "four lanterns drift westward";

/// Measures reads while sign-ins come in, at the cost that production has.
pub async fn flood() -> Result<()> {
    let (folder, tasks) = (tempfile::tempdir()?, Tasks::new());
    let options = Options::in_folder(folder.path().to_owned());
    let control = Control::start(options, Clock::system(), Rng::system(), &tasks).await?;
    control.first_admin(EMAIL, "Ada", Secret::new(PASSWORD.to_owned())).await?;
    let address = listen(&control, &tasks).await?;
    let token = &*sign_in(address, EMAIL, PASSWORD).await?;
    let quiet = reads(address, token).await?;
    Line::new("sign_in_flood", "read_p99_quiet", quiet.at(990), "ms").print()?;
    let (stop, tries) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    for nth in 0..FLOOD {
        let (stop, tries) = (stop.clone(), tries.clone());
        tasks.spawn("flood", OnError::Log, async move { guess(address, nth, &stop, &tries).await });
    }
    let began = Instant::now();
    let flooded = reads(address, token).await?;
    let took = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    ensure!(tries.load(Ordering::Relaxed) > 0, "there was no flood");
    Line::new("sign_in_flood", "tries", tries.load(Ordering::Relaxed) as f64 / took.as_secs_f64(), "1/s").print()?;
    Line::new("sign_in_flood", "read_p50", flooded.at(500), "ms").print()?;
    Line::new("sign_in_flood", "read_p99", flooded.at(990), "ms").floor(PROMISE_MS).print()?;
    tasks.stop(Duration::from_secs(5)).await;
    Ok(())
}

/// Guesses passwords of made-up accounts from made-up addresses, and comes again as soon as it is answered.
async fn guess(address: SocketAddr, nth: usize, stop: &AtomicBool, tries: &AtomicU64) -> Result<()> {
    let mut caller = Caller::dial(address).await?;
    for round in 0_u32.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let body = format!(r#"{{"email":"nobody{nth}.{round}@example.org","password":"{PASSWORD}"}}"#);
        let from = format!("X-Forwarded-For: 10.{}.{}.{}\r\n", nth % 200, round / 250 % 250, round % 250);
        let answer = caller.ask("POST", "/api/v1/auth/login", &from, &body).await?;
        tries.fetch_add(1, Ordering::Relaxed);
        if answer.starts_with("HTTP/1.1 429") {
            tokio::time::sleep(AGAIN).await;
        }
    }
    Ok(())
}

/// Reads as somebody who is signed in, and as a health check, by turns.
async fn reads(address: SocketAddr, token: &str) -> Result<Times> {
    let mut caller = Caller::dial(address).await?;
    let credential = format!("Authorization: Bearer {token}\r\n");
    let mut times = Vec::with_capacity(READS);
    for nth in 0..READS {
        let (path, headers) = if nth % 2 == 0 { ("/api/v1/health", "") } else { ("/api/v1/auth/me", &*credential) };
        let began = Instant::now();
        let answer = caller.ask("GET", path, headers, "").await?;
        times.push(began.elapsed());
        ensure!(answer.starts_with("HTTP/1.1 200"), "{path} answered {answer}");
        tokio::time::sleep(EVERY).await;
    }
    Ok(Times::new(times))
}
