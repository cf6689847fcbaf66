//! A real S3 server (moto) on a free port, and a line to it that can be cut.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Variables that a test gives as credentials; their values must be printed nowhere.
pub(crate) const CREDENTIALS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", "s3cr3t/of/the/test"), ("AWS_REGION", "us-east-1")];

/// A server with one bucket, `backups`; gone with the test, however it ends.
pub(crate) struct S3 {
    port: u16,
    server: Child,
}

impl S3 {
    pub(crate) fn start() -> Self {
        let program = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/s3/.venv/bin/moto_server"));
        assert!(program.exists(), "the S3 server is not installed yet: run `make setup`");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        // a watcher ends it when the test is killed
        let script = "\"$0\" -H 127.0.0.1 -p \"$1\" & trap 'kill $!' EXIT TERM; while kill -0 \"$2\" && kill -0 $!; do sleep 0.2; done";
        let server = Command::new("/bin/sh")
            .args(["-c", script])
            .arg(program)
            .args([port.to_string(), std::process::id().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let s3 = Self { port, server };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the S3 server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(s3.request("PUT", "/backups", "").starts_with("HTTP/1.1 200"));
        s3
    }

    /// The place `prefix` in its bucket.
    pub(crate) fn place(&self, prefix: &str) -> String {
        format!("s3://backups/{prefix}?endpoint=http://127.0.0.1:{}", self.port)
    }

    /// The same, through a line that is cut after so many bytes of each connection.
    pub(crate) fn cut(&self, prefix: &str, bytes: u64) -> (String, Arc<AtomicU64>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let place = format!("s3://backups/{prefix}?endpoint=http://{}", listener.local_addr().expect("an address"));
        let (server, cuts) = (self.port, Arc::new(AtomicU64::new(0)));
        let count = Arc::clone(&cuts);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let (mut back, mut to) = (upstream.try_clone().expect("a line"), client.try_clone().expect("a line"));
                std::thread::spawn(move || std::io::copy(&mut back, &mut to));
                let count = Arc::clone(&count);
                std::thread::spawn(move || {
                    let (mut from, mut upstream) = (client.try_clone().expect("a line"), upstream);
                    if std::io::copy(&mut (&mut from).take(bytes), &mut upstream).unwrap_or(0) == bytes {
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                    let _ = (client.shutdown(Shutdown::Both), upstream.shutdown(Shutdown::Both));
                });
            }
        });
        (place, cuts)
    }

    /// The names of all objects, in order.
    pub(crate) fn objects(&self) -> Vec<String> {
        let answer = self.request("GET", "/backups?list-type=2", "");
        let mut names: Vec<String> =
            answer.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().expect("a key").to_owned()).collect();
        names.sort();
        names
    }

    /// Whether an upload in parts was begun and not ended.
    pub(crate) fn uploads(&self) -> usize {
        self.request("GET", "/backups?uploads", "").matches("<UploadId>").count()
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        assert!(self.request("PUT", &format!("/backups/{name}"), text).starts_with("HTTP/1.1 200"));
    }

    pub(crate) fn get(&self, name: &str) -> String {
        let answer = self.request("GET", &format!("/backups/{name}"), "");
        answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
    }

    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).expect("the server");
        let length = body.len();
        // it asks who it is, and does not check it
        let who = "AWS4-HMAC-SHA256 Credential=x/20250101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x";
        write!(
            line,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {who}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("a request");
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.server);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.server.wait();
    }
}
