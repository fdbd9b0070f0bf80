//! Apps that end while they hold requests.

use sf_agent::relay::Target;
use sf_protocol::app::TrafficMode;
use sf_types::Millis;
use tokio::io::AsyncReadExt;

use super::{App, Client, World, within};

/// An app that takes this many requests, then ends with all of them unanswered. Answers how many it took.
async fn dies_holding(listener: tokio::net::TcpListener, requests: usize) -> usize {
    let mut held = Vec::new();
    while held.len() < requests {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 512];
        assert!(stream.read(&mut bytes).await.unwrap() > 0);
        held.push(stream);
    }
    held.len()
}

#[tokio::test]
async fn what_an_app_held_when_it_ended_is_asked_of_the_one_that_takes_its_place() {
    let world = World::new();
    let port = world.start(TrafficMode::Http).await.port;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    world.point(Target::Port { port: own }).await;
    let (mut get, mut post) = (Client::connect(port).await, Client::connect(port).await);
    get.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    post.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na").await.unwrap();
    within(dies_holding(listener, 2)).await;
    // What may not be sent twice is not: it may have been done.
    assert_eq!(within(post.head()).await.unwrap().0, 502);
    let before = App::start("before");
    world.point(before.target()).await;
    assert_eq!(within(get.head()).await.unwrap().0, 200);
    // What was never sent goes to the new one, too.
    let mut late = Client::connect(port).await;
    let (status, _, text) =
        within(late.fetch("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")).await.unwrap();
    assert_eq!((status, text.as_str()), (200, "before:1"));
    within(world.relays.stop(world.app, Millis::secs(5))).await.unwrap();
}

#[tokio::test]
async fn a_request_that_ends_apps_is_not_repeated_for_ever() {
    let world = World::new();
    let port = world.start(TrafficMode::Http).await.port;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.point(Target::Port { port: listener.local_addr().unwrap().port() }).await;
    let mut client = Client::connect(port).await;
    client.send("GET /of-death HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let endless = async {
        let mut taken = 0;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 512];
            assert!(stream.read(&mut bytes).await.unwrap() > 0);
            taken += 1;
            assert!(taken <= 2, "asked for the third time");
        }
    };
    let status = tokio::select! {
        () = endless => unreachable!(),
        head = within(client.head()) => head.unwrap().0,
    };
    assert_eq!(status, 502);
    within(world.relays.stop(world.app, Millis::secs(5))).await.unwrap();
}
