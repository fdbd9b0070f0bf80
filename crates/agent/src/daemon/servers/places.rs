//! Whether a server's ports can be had, and who has one that cannot.

use std::io::ErrorKind as Io;
use std::net::{TcpListener, UdpSocket};

use sf_protocol::server::Allocation;
use sf_types::{ErrorKind, Fault};

use crate::process::ports;

/// Tries every port by taking it for a moment. Blocks, and may read through `/proc`: do it aside.
///
/// # Errors
/// `server.port_taken`, naming the port and who has it; `server.no_address`.
pub fn free(allocations: &[Allocation]) -> Result<(), Fault> {
    for Allocation { ip, port } in allocations {
        let (ip, port) = (*ip, *port);
        let tries = [("TCP", TcpListener::bind((ip, port)).map(drop)), ("UDP", UdpSocket::bind((ip, port)).map(drop))];
        for (protocol, tried) in tries {
            let Err(error) = tried else { continue };
            return Err(match error.kind() {
                Io::AddrInUse => {
                    let owner = if protocol == "TCP" { ports::owner(port) } else { ports::udp_owner(port) };
                    let by = owner.map_or_else(|| "another program".to_owned(), |owner| owner.to_string());
                    let message = format!("Port {port} ({protocol}) of {ip} is taken by {by}.");
                    let fix = "Stop that program, or give the server another port.";
                    Fault::new(ErrorKind::Conflict, "server.port_taken", message).fix(fix)
                }
                Io::AddrNotAvailable => {
                    let message = format!("This node has no address {ip}.");
                    let fix = "Give the server a port of an address that the node has.";
                    Fault::new(ErrorKind::Conflict, "server.no_address", message).fix(fix)
                }
                _ => {
                    let message = format!("Port {port} ({protocol}) of {ip} cannot be had: {error}.");
                    Fault::new(ErrorKind::Conflict, "server.port", message).fix("Give the server another port.")
                }
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_who_has_it() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let own = std::process::id().to_string();
        for (port, protocol) in [(tcp.local_addr().unwrap().port(), "TCP"), (udp.local_addr().unwrap().port(), "UDP")] {
            let fault = free(&[Allocation { ip: [127, 0, 0, 1].into(), port }]).unwrap_err();
            assert_eq!(fault.code, "server.port_taken");
            let told = [port.to_string(), protocol.to_owned(), own.clone()];
            assert!(told.iter().all(|part| fault.message.contains(part)), "{fault:?}");
        }
        let elsewhere = [Allocation { ip: [192, 0, 2, 1].into(), port: 1 }];
        assert_eq!(free(&elsewhere).unwrap_err().code, "server.no_address");
        assert!(free(&[]).is_ok());
    }
}
