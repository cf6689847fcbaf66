//! Stands between a client and the server, and does to the connection what networks do.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What becomes of what a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// It goes on.
    On,
    /// It goes on, but the client never hears of the server again.
    Unanswered,
    /// The connection is cut before it goes on.
    Cut,
}

/// A judge of what one connection's client sends; it may change the bytes.
type Judge = Box<dyn FnMut(&mut [u8]) -> Pass + Send>;

/// The proxy; it listens for as long as the test runs.
pub(crate) struct Proxy {
    url: String,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// Before the server of this URL; each connection gets a judge of its own.
    pub(crate) fn before(url: &str, judge: impl Fn() -> Judge + Send + 'static) -> Self {
        let mut there = url::Url::parse(url).expect("a URL");
        let server = format!("127.0.0.1:{}", there.port().expect("a port"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        there.set_port(Some(listener.local_addr().expect("an address").port())).expect("a port");
        let streams = Arc::<Mutex<Vec<TcpStream>>>::default();
        let kept = Arc::clone(&streams);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a client");
                let upstream = TcpStream::connect(&server).expect("the server");
                let copy = |stream: &TcpStream| stream.try_clone().expect("a stream");
                kept.lock().expect("the streams").extend([copy(&client), copy(&upstream)]);
                let silent = Arc::new(AtomicBool::new(false));
                let (from_client, to_server, heard) = (copy(&client), copy(&upstream), Arc::clone(&silent));
                let mut judge = judge();
                thread::spawn(move || {
                    relay(from_client, to_server, |bytes| match judge(bytes) {
                        Pass::On => true,
                        Pass::Cut => false,
                        Pass::Unanswered => {
                            heard.store(true, Ordering::SeqCst);
                            true
                        }
                    });
                });
                thread::spawn(move || relay(upstream, client, |_| !silent.load(Ordering::SeqCst)));
            }
        });
        Self { url: there.into(), streams }
    }

    /// Relays everything.
    pub(crate) fn plain(url: &str) -> Self {
        Self::before(url, || Box::new(|_| Pass::On))
    }

    /// From the first message on that holds the last of these texts, on a connection that has said all those before it.
    pub(crate) fn once(url: &str, texts: &'static [&'static str], then: Pass) -> Self {
        Self::before(url, move || {
            let mut said = 0;
            Box::new(move |bytes| {
                while said < texts.len() && holds(bytes, texts[said]) {
                    said += 1;
                }
                if said == texts.len() { then } else { Pass::On }
            })
        })
    }

    /// The same database by way of the proxy.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Cuts every connection there is.
    pub(crate) fn cut(&self) {
        for stream in self.streams.lock().expect("the streams").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Whether bytes hold a text.
pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Copies until an end, or until `pass` says no; then both sides are cut.
fn relay(mut from: TcpStream, mut to: TcpStream, mut pass: impl FnMut(&mut [u8]) -> bool) {
    let mut buffer = [0; 65536];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !pass(&mut buffer[..read]) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
