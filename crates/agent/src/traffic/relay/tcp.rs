//! The side for any other protocol: bytes there and back, counted as one request a connection.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::gate::{Full, Gate};
use super::pool;
use super::spec::Target;

/// Serves one client connection to its end.
pub async fn serve(gate: Arc<Gate>, mut client: TcpStream) -> io::Result<()> {
    let mut ticket = match gate.enter().await {
        Ok(ticket) => ticket,
        Err(Full) => return Ok(()),
    };
    let Target::Port { port } = ticket.upstream().pointer.target else { return Ok(()) };
    let mut app = pool::connect(&mut ticket).await.inspect_err(|error| gate.failed(format!("port {port}: {error}")))?;
    client.set_nodelay(true)?;
    // Either side may leave as it likes; that is no failure.
    let _ = tokio::io::copy_bidirectional(&mut client, &mut app).await;
    Ok(())
}
