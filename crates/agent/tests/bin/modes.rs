//! The holders' modes, and apps for them to hold.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[1..] {
        ["shim", "--spec", spec] => sf_agent::shim::main(Path::new(spec)),
        ["relay", "--spec", spec] => sf_agent::relay::main(Path::new(spec)),
        ["attend", "--spec", spec] => sf_agent::shim::attend::main(Path::new(spec)),
        ["syntax"] => sf_agent::patching::syntax_main(None),
        ["syntax", "--user", user] => sf_agent::patching::syntax_main(user.parse().ok()),
        ["acme"] => sf_agent::proxy::acme_main(),
        ["run", state] => run(state),
        ["http", name] => http(name, "0"),
        ["http", name, port] => http(name, port),
        _ => ExitCode::from(64),
    }
}

/// The daemon, with the failpoint of the environment, until a signal ends it.
fn run(state: &str) -> ExitCode {
    // Ends at this point as `kill -9` does: nothing is tidied up.
    if let Some(point) = sf_runtime::env::var("KILL_AT") {
        let die = || nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).expect("a process may end itself");
        fail::cfg_callback(point, die).expect("a failpoint");
    }
    if let (Some(point), Some(gate)) = (sf_runtime::env::var("HOLD_AT"), sf_runtime::env::var("HOLD_GATE")) {
        let hold = move || hold(Path::new(&gate));
        fail::cfg_callback(point, hold).expect("a failpoint");
    }
    sf_runtime::telemetry::install("info,sf_agent=debug", sf_runtime::telemetry::LogFormat::Text);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let tasks = sf_runtime::Tasks::new();
        let options = sf_agent::daemon::Options {
            state: state.into(),
            program: std::env::current_exe().expect("this program"),
            clock: sf_runtime::Clock::system(),
            rng: sf_runtime::Rng::system(),
        };
        let daemon = match Box::pin(sf_agent::daemon::Daemon::start(options, &tasks)).await {
            Ok(daemon) => daemon,
            Err(fault) => {
                eprintln!("{fault}");
                return ExitCode::FAILURE;
            }
        };
        println!("started");
        tasks.shutdown().requested().await;
        drop(daemon);
        ExitCode::SUCCESS
    })
}

/// Tells the reader of the fifo `reached` that the point is reached, then waits for a writer of the fifo `go`.
fn hold(gate: &Path) {
    std::fs::write(gate.join("reached"), "reached").expect("a fifo");
    drop(std::fs::read(gate.join("go")).expect("a fifo"));
}

/// A tiny HTTP/1.1 server with keep-alive. Prints `listening PORT`; answers its name and the length of the body;
/// `/slow?FIFO` streams three chunks and waits at the fifo before each of the later two.
fn http(name: &str, port: &str) -> ExitCode {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("a free port");
    println!("listening {}", listener.local_addr().expect("bound").port());
    std::thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            scope.spawn(move || serve(name, &stream));
        }
    });
    ExitCode::SUCCESS
}

fn serve(name: &str, stream: &TcpStream) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let (mut request, mut line, mut length) = (String::new(), String::new(), 0);
        let mut forwarded = String::new();
        reader.read_line(&mut request).ok().filter(|read| *read > 0)?;
        while reader.read_line(&mut line).ok().filter(|read| *read > 2).is_some() {
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if lower.starts_with("x-forwarded-") {
                forwarded.push_str(line.trim());
                forwarded.push(';');
            }
            if lower.starts_with("upgrade:") {
                return echo(reader, writer);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        std::io::Read::read_exact(&mut reader, &mut body).ok()?;
        let path = request.split(' ').nth(1)?;
        match path.split_once('?') {
            Some(("/slow", gate)) => slow(name, gate, writer)?,
            _ if path == "/broken" => answer(writer, "500 Broken", "broken")?,
            _ if path == "/forwarded" => answer(writer, "200 OK", &forwarded)?,
            _ => answer(writer, "200 OK", &format!("{name}:{length}"))?,
        }
        writer.flush().ok()?;
    }
}

fn answer(mut writer: &TcpStream, status: &str, text: &str) -> Option<()> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    writer.write_all(head.as_bytes()).ok()
}

/// Waits for the reader of a fifo between the chunks: opening it for reading blocks until the test opens it.
fn slow(name: &str, gate: &str, mut writer: &TcpStream) -> Option<()> {
    writer.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ok()?;
    for index in 0..3 {
        let text = format!("{name}{index}");
        write!(writer, "{:x}\r\n{text}\r\n", text.len()).ok()?;
        if index < 2 {
            drop(std::fs::read(gate).ok()?);
        }
    }
    writer.write_all(b"0\r\n\r\n").ok()
}

/// Agrees to any upgrade and echoes bytes.
fn echo(mut reader: BufReader<&TcpStream>, mut writer: &TcpStream) -> Option<()> {
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    writer.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n").ok()?;
    std::io::copy(&mut reader, &mut writer).ok()?;
    None
}
