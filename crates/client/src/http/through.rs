//! A connection that a proxy opens (own design; RFC 1928, 1929; RFC 9110, section 9.3.6).
use std::io;
use teem_path::Path;
use teem_path::opener::{OpenError, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes that are read at a time, and no more than the proxy's answer has.
const READ_LEN: usize = 512;

/// Why there is no connection, in words, and whether that is the proxy's own trouble.
struct Failure {
    why: String,
    own: bool,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { why: format!("the proxy cannot be reached: {error}"), own: true }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let own = matches!(error, OpenError::Denied | OpenError::Failed | OpenError::Nonsense);
        Self { why: error.to_string(), own }
    }
}

/// Opens a connection through the proxy, and notes how that did.
pub(crate) async fn open(path: &Path, target: &Target) -> Result<TcpStream, String> {
    match attempt(path, target).await {
        Ok(stream) => {
            path.note_proxy(None);
            Ok(stream)
        }
        Err(Failure { why, own }) => {
            path.note_proxy(own.then(|| why.clone()));
            Err(why)
        }
    }
}

async fn attempt(path: &Path, target: &Target) -> Result<TcpStream, Failure> {
    let (stream, mut opener, mut out) = path.dial_proxy(target, |_| {})?;
    let mut stream = TcpStream::from_std(stream)?;
    stream.writable().await?;
    if let Some(error) = stream.take_error()? {
        return Err(error.into());
    }
    let mut bytes = [0; READ_LEN];
    loop {
        stream.write_all(&out).await?;
        out.clear();
        let wants = opener.wants().min(READ_LEN);
        if wants == 0 {
            // Without it the connection works too, only slower.
            let _ = stream.set_nodelay(true);
            return Ok(stream);
        }
        let len = stream.read(&mut bytes[..wants]).await?;
        if len == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        opener.advance(&bytes[..len], &mut out)?;
    }
}
