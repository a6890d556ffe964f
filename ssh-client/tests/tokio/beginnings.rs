//! Futures that begin a session, or wait for what the peer asks, dropped at each point where they can be.

use crate::served::{RIGHT, config, let_in, serve, server};
use crate::support::PATIENCE;
use ssh_client::{
    Config, Credential, Error, Phase, Secret,
    auth::{ClientConfig, Event, Method},
    credential::Challenge,
    default_provider,
    host_key::{DecideAsync, HostKey},
    kex,
    session::{
        Decision, Settings,
        tokio::{Connection, PeerRequest},
    },
    tokio::{Login, Session, Unverified},
};
use std::sync::Arc;
use testing::polled;
use tokio::{
    io::DuplexStream,
    task::{JoinHandle, yield_now},
    time::timeout,
};

/// Decisions that take a while, and a credential that is refused before the right one.
fn thoughtful() -> Config {
    config()
        .host_key_async(DecideAsync(|_: HostKey| async {
            yield_now().await;
            Ok(())
        }))
        .credential(Credential::ask_password_async(|_| async {
            yield_now().await;
            Some(Secret::from("wrong"))
        }))
        .credential(Credential::interactive_async(|challenge: Challenge| async move {
            yield_now().await;
            Some(challenge.prompts.iter().map(|_| Secret::from(RIGHT)).collect())
        }))
        .password_attempts(1)
}

async fn handshake(stream: DuplexStream) -> Result<Unverified, Error> {
    Session::handshake(stream, "host", 22, &thoughtful()).await
}

async fn login(stream: DuplexStream) -> Login {
    handshake(stream).await.unwrap().verify().await.unwrap()
}

/// A step of a session's beginning, given up after so many polls: whether it was done then.
async fn step(what: &str, stream: DuplexStream, polls: usize) -> bool {
    match what {
        "connect over" => {
            let config = thoughtful();
            let connect = Session::connect_over(stream, "host", 22, &config);
            match polled(polls, connect).await {
                Some(session) => session.unwrap().ping().await.is_ok(),
                None => false,
            }
        }
        "handshake" => polled(polls, handshake(stream)).await.is_some_and(|result| result.is_ok()),
        "verify" => {
            let unverified = handshake(stream).await.unwrap();
            polled(polls, unverified.verify()).await.is_some_and(|result| result.is_ok())
        }
        "accept" => {
            let unverified = handshake(stream).await.unwrap();
            polled(polls, unverified.accept()).await.is_some_and(|result| result.is_ok())
        }
        "authenticate" => match polled(polls, login(stream).await.authenticate()).await {
            Some(session) => session.unwrap().ping().await.is_ok(),
            None => false,
        },
        _ => {
            let mut login = login(stream).await;
            let wrong = [Credential::password("wrong"), Credential::password(RIGHT)];
            match polled(polls, login.authenticate_with(&wrong)).await {
                Some(session) => session.unwrap().ping().await.is_ok(),
                None => {
                    // A question may be open that other answers would not fit, unless nothing was asked yet.
                    assert_eq!(login.authenticate_with(&wrong).await.is_ok(), polls == 0);
                    false
                }
            }
        }
    }
}

#[tokio::test]
async fn a_beginning_given_up_anywhere_ends_the_connection() {
    for what in ["connect over", "handshake", "verify", "accept", "authenticate", "authenticate with"] {
        let mut points = 0;
        loop {
            let (server, stream) = serve();
            let is_done = timeout(PATIENCE, step(what, stream, points)).await.expect(what);
            // Its end is gone in either case.
            timeout(PATIENCE, server.wait()).await.unwrap_or_else(|_| panic!("{what}: {points} polls"));
            if is_done {
                break;
            }
            points += 1;
        }
        // What asks the server, or the caller, has points where it waits.
        assert!(points >= if what == "accept" { 1 } else { 2 }, "{what}: {points}");
    }
}

/// Asks again and again, by futures that are dropped after one poll.
async fn insist<F: Future>(mut ask: impl FnMut() -> F) -> F::Output {
    let asked = async {
        loop {
            if let Some(output) = polled(1, ask()).await {
                return output;
            }
            yield_now().await;
        }
    };
    timeout(PATIENCE, asked).await.unwrap()
}

/// A client without the facade, logged in by decisions that were asked for again and again.
async fn client(stream: DuplexStream) -> Connection {
    let settings = Settings::new(kex::Config::new(Arc::new(default_provider())));
    let (client, driver) = Connection::client(stream, settings).unwrap();
    tokio::spawn(driver);
    let mut events = Vec::new();
    loop {
        match insist(|| client.next_decision(Some(PATIENCE), Phase::Handshake)).await.unwrap() {
            Decision::HostKey { .. } => {
                client.accept_host_key().unwrap();
                let methods = vec![Method::Password { id: 0 }];
                client.authenticate(ClientConfig::new("anybody", methods)).unwrap();
                events.push("host key");
            }
            Decision::Established => events.push("established"),
            Decision::ClientAuth(Event::Password { .. }) => {
                events.push("password");
                client.client_auth(|auth| auth.password(Some(Secret::from(RIGHT)))).unwrap();
            }
            Decision::ClientAuth(Event::Success) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(events.iter().filter(|event| **event == "host key").count(), 1);
    assert_eq!(events.iter().filter(|event| **event == "password").count(), 1);
    client
}

#[tokio::test]
async fn a_decision_that_nobody_waits_for_is_not_lost() {
    let (_server, stream) = serve();
    client(stream).await.ping().await.unwrap();
}

#[tokio::test]
async fn what_the_peer_asks_while_nobody_waits_is_not_lost() {
    let (stream, server, driver) = server(1 << 16);
    tokio::spawn(driver);
    tokio::spawn(let_in(server.clone()));
    let client = client(stream).await;
    let requests = server.peer_requests(&["session"], &["question@example.com"]).unwrap();
    let incoming = client.incoming("answer@example.com").unwrap();

    let asking: JoinHandle<Result<_, Error>> = tokio::spawn({
        let client = client.clone();
        async move {
            let (success, data) = client.global_request("question@example.com", true, b"?").await?;
            assert_eq!((success, &*data), (true, &b"!"[..]));
            let channel = client.open_session().await?;
            channel.set_env("FRUIT", "plum").await?;
            channel.exec("command").await?;
            Ok(channel)
        }
    });
    match insist(|| requests.next()).await.unwrap() {
        PeerRequest::Global(request) => {
            assert_eq!((request.name(), request.data()), (&b"question@example.com"[..], &b"?"[..]));
            request.reply(true, b"!");
        }
        other => panic!("{other:?}"),
    }
    let channel = match insist(|| requests.next()).await.unwrap() {
        PeerRequest::Channel(offer) => offer.accept().unwrap(),
        other => panic!("{other:?}"),
    };
    for name in ["env", "exec"] {
        let request = insist(|| channel.next_request()).await.unwrap().unwrap();
        assert_eq!(request.name(), name.as_bytes());
        request.reply(true);
    }
    drop(asking.await.unwrap().unwrap());
    assert!(insist(|| channel.next_request()).await.unwrap().is_none());

    // The other way: a channel that the client takes.
    let opening = tokio::spawn(async move { server.open("answer@example.com", b"data").await });
    let (channel, data) = insist(|| incoming.accept()).await.unwrap();
    assert_eq!(data, b"data");
    opening.await.unwrap().unwrap();
    drop(channel);
    client.ping().await.unwrap();
}

#[tokio::test]
async fn who_stops_deciding_may_answer_what_was_taken() {
    let (stream, server, driver) = server(1 << 16);
    tokio::spawn(driver);
    tokio::spawn(let_in(server.clone()));
    let client = client(stream).await;
    let requests = server.peer_requests(&[], &["one", "two"]).unwrap();
    let ask = |name: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { client.global_request(name, true, b"").await.unwrap().0 })
    };
    let one = ask("one");
    let PeerRequest::Global(taken) = requests.next().await.unwrap() else { panic!() };
    let two = ask("two");
    // One that is not served is behind them, and its answer behind theirs.
    let three = ask("three");
    // What the client has sent before it answers is there.
    yield_now().await;
    server.ping().await.unwrap();
    drop(requests);
    taken.reply(true, b"");
    assert_eq!((one.await.unwrap(), two.await.unwrap(), three.await.unwrap()), (true, false, false));
}
