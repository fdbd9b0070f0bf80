//! What this machine's disk and loopback cost by themselves.

use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Instant;

use anyhow::Result;
use sf_runtime::{OnError, Tasks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::line::{Line, Times};

/// Writes measured.
const WRITES: usize = 500;
/// Bytes of one write: about what one order commits.
const WRITE_BYTES: usize = 4096;
/// Round trips measured.
const ECHOES: usize = 2_000;
/// Bytes of one echo: about a signed command.
const ECHO_BYTES: usize = 1024;

/// Append and fsync, as databases do it.
pub async fn disk() -> Result<Times> {
    let times = tokio::task::spawn_blocking(|| {
        let mut file = tempfile::tempfile()?;
        let bytes = [7_u8; WRITE_BYTES];
        let one = |file: &mut std::fs::File| {
            let began = Instant::now();
            file.write_all(&bytes)?;
            file.sync_data()?;
            Ok(began.elapsed())
        };
        (0..WRITES).map(|_| one(&mut file)).collect::<std::io::Result<Vec<_>>>()
    });
    let times = Times::new(times.await??);
    Line::new("floor", "fsync_p50", times.at(500), "ms").print()?;
    Line::new("floor", "fsync_p99", times.at(990), "ms").print()?;
    Ok(times)
}

/// A round trip over TCP on loopback.
pub async fn loopback() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let tasks = Tasks::new();
    tasks.spawn("echo", OnError::Log, async move {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let mut bytes = [0; ECHO_BYTES];
        while stream.read_exact(&mut bytes).await.is_ok() {
            stream.write_all(&bytes).await?;
        }
        Ok::<(), std::io::Error>(())
    });
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut bytes = [1; ECHO_BYTES];
    let mut times = Vec::with_capacity(ECHOES);
    for _ in 0..ECHOES {
        let began = Instant::now();
        stream.write_all(&bytes).await?;
        stream.read_exact(&mut bytes).await?;
        times.push(began.elapsed());
    }
    let times = Times::new(times);
    Line::new("floor", "echo_p50", times.at(500), "ms").print()?;
    Line::new("floor", "echo_p99", times.at(990), "ms").print()
}
