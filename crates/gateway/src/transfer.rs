//! A second connection: bytes of files from or to a node, as fast as the slower side takes them. It takes no orders and is
//! nobody's presence.

use sf_control::{Arrived, Lane, STALL_LIMIT};
use sf_protocol::server::TransferEnd;
use sf_protocol::wire;
use sf_runtime::Shutdown;
use tokio::sync::mpsc::{Receiver, Sender};

use crate::socket::{Gone, Moved, Reader, Socket, Stream, Writer};

/// Moves what its ticket stands for. Where it ends early, whoever asked is told by what is missing.
pub(crate) async fn serve<S: Stream>(socket: &mut Socket<S>, lane: Lane, shutdown: &Shutdown) {
    match lane {
        Lane::Down(to) => {
            let moved = tokio::select! {
                moved = down(socket, &to) => moved,
                () = to.closed() => Err(Gone),
                () = shutdown.requested() => Err(Gone),
            };
            if moved.is_err() {
                tracing::debug!("a download ended early");
            }
        }
        Lane::Up { bytes, end } => {
            let (writer, reader) = socket.split();
            let said = tokio::select! {
                said = last_word(reader) => said,
                // Once all is written, the last word is awaited.
                Gone = up(writer, bytes) => Err(Gone),
                () = shutdown.requested() => Err(Gone),
            };
            if let Ok(said) = said {
                drop(end.send(said));
            }
        }
    }
}

async fn down<S: Stream>(socket: &mut Socket<S>, to: &Sender<Arrived>) -> Result<(), Gone> {
    loop {
        let heard = tokio::time::timeout(STALL_LIMIT, socket.hear_bytes()).await.map_err(|_| Gone)??;
        let arrived = match heard {
            Moved::Bytes(bytes) if bytes.is_empty() => Arrived::End,
            Moved::Bytes(bytes) => Arrived::Bytes(bytes),
            Moved::Text(_) => return Err(Gone),
            Moved::Life => continue,
        };
        let is_end = matches!(arrived, Arrived::End);
        // Whoever reads slowly is waited for, and with that the node.
        let sent = tokio::time::timeout(STALL_LIMIT, to.send(arrived)).await;
        if !matches!(sent, Ok(Ok(()))) || is_end {
            return if is_end { Ok(()) } else { Err(Gone) };
        }
    }
}

/// Writes until it cannot, or whoever sent was cut off. After the mark of the end it waits for nothing any more.
async fn up<S: Stream>(mut writer: Writer<'_, S>, mut bytes: Receiver<bytes::Bytes>) -> Gone {
    while let Some(piece) = bytes.recv().await {
        let is_end = piece.is_empty();
        if writer.put(piece).await.is_err() {
            return Gone;
        }
        if is_end {
            tokio::time::sleep(STALL_LIMIT).await;
            return Gone;
        }
    }
    Gone
}

async fn last_word<S: Stream>(mut reader: Reader<'_, S>) -> Result<TransferEnd, Gone> {
    loop {
        match reader.hear().await? {
            Moved::Text(text) => return wire::parse(text.as_bytes()).map_err(|_| Gone),
            Moved::Bytes(_) => return Err(Gone),
            Moved::Life => {}
        }
    }
}
