//! A port of 127.0.0.1, which every user of the machine can reach, behind a file, which only one can read. The file holds the port
//! and two secrets. Who connects says the first one; who listens answers with the second only then. So a stranger who connects
//! learns nothing, and one who gets the port after us reads nothing but a secret that opens nothing any more.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::super::files;

/// How long the other side may take for its secret.
const PATIENCE: Duration = Duration::from_secs(10);
/// The length of a secret: 256 bits in hexadecimal digits.
const LENGTH: usize = 64;

#[derive(Debug)]
pub(super) struct Loopback {
    listener: TcpListener,
    secrets: [String; 2],
}

impl Loopback {
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let secrets = [secret()?, secret()?];
        let mut file = files::private().write(true).create_new(true).open(path)?;
        write!(file, "{port} {} {}", secrets[0], secrets[1])?;
        Ok(Self { listener, secrets })
    }

    pub(super) fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (mut stream, from) = self.listener.accept()?;
        let [theirs, ours] = &self.secrets;
        patiently(&stream, Some(PATIENCE))?;
        hear(&mut stream, theirs)?;
        stream.write_all(ours.as_bytes())?;
        patiently(&stream, None)?;
        Ok((stream, from))
    }
}

pub(super) fn connect(path: &Path) -> io::Result<TcpStream> {
    let text = fs::read_to_string(path)?;
    let mut words = text.split(' ');
    let mut next = || words.next().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData));
    let port: u16 = next()?.parse().map_err(|_| io::ErrorKind::InvalidData)?;
    let (ours, theirs) = (next()?, next()?);
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    patiently(&stream, Some(PATIENCE))?;
    stream.write_all(ours.as_bytes())?;
    hear(&mut stream, theirs)?;
    patiently(&stream, None)?;
    Ok(stream)
}

/// Refuses who does not say the secret.
fn hear(stream: &mut TcpStream, secret: &str) -> io::Result<()> {
    let mut said = [0; LENGTH];
    stream.read_exact(&mut said)?;
    match said == secret.as_bytes() {
        true => Ok(()),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// Calls are small, and each waits for its answer.
fn patiently(stream: &TcpStream, limit: Option<Duration>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(limit)
}

fn secret() -> io::Result<String> {
    let mut bytes = [0; LENGTH / 2];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn place() -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("seat.sock");
        (directory, path)
    }

    #[test]
    fn who_can_read_the_file_gets_through_and_both_ways_are_open() {
        let (_directory, path) = place();
        let listener = Loopback::bind(&path).unwrap();
        let other = path.clone();
        let client = thread::spawn(move || {
            let mut stream = connect(&other).unwrap();
            stream.write_all(b"hello").unwrap();
            let mut heard = String::new();
            stream.read_to_string(&mut heard).unwrap();
            heard
        });
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = [0; 5];
        stream.read_exact(&mut heard).unwrap();
        stream.write_all(b"and you").unwrap();
        drop(stream);
        assert_eq!((&heard, client.join().unwrap().as_str()), (b"hello", "and you"));
    }

    #[test]
    fn a_stranger_at_the_port_learns_no_secret() {
        let (_directory, path) = place();
        let listener = Loopback::bind(&path).unwrap();
        let port = listener.listener.local_addr().unwrap().port();
        let stranger = thread::spawn(move || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            stream.write_all(&[b'0'; LENGTH]).unwrap();
            let mut heard = Vec::new();
            let _ = stream.read_to_end(&mut heard);
            heard
        });
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(stranger.join().unwrap(), b"");
    }

    /// The listener was killed, and another program got its port: it reads nothing but the secret of the dead.
    #[test]
    fn an_impostor_is_told_nothing_else() {
        let (_directory, path) = place();
        let impostor = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = impostor.local_addr().unwrap().port();
        fs::write(&path, format!("{port} {} {}", "a".repeat(LENGTH), "b".repeat(LENGTH))).unwrap();
        let client = thread::spawn(move || connect(&path).unwrap_err().kind());
        let (mut stream, _) = impostor.accept().unwrap();
        stream.write_all(&[b'c'; LENGTH]).unwrap();
        assert_eq!(client.join().unwrap(), io::ErrorKind::PermissionDenied);
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, [b'a'; LENGTH]);
    }

    #[test]
    fn where_nobody_listens_the_connection_is_refused() {
        let (_directory, path) = place();
        drop(Loopback::bind(&path).unwrap());
        assert_eq!(connect(&path).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
